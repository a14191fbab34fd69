//! The table of USB readers that the ccid driver knows.

use std::path::Path;

use harness::{Check, Edit, Machine, Need, Outcome, Trial, expect, violated};
use plist::Value;

use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, omarchy};

const PLIST: &str = "/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist";

/// What Parallels shows of a YubiKey, in the arrays that go together by index.
const READER: [(&str, &str); 3] =
    [("ifdVendorID", "0x203A"), ("ifdProductID", "0xFFFD"), ("ifdFriendlyName", "Parallels Proxy CCID")];

pub fn ccid_plist(omarchy: &Omarchy) -> Check {
    Check::must(
        "smartcard.ccid-plist",
        document("Phase 5, 5.3"),
        "The ccid driver's Info.plist is well-formed, lists 0x203A, 0xFFFD and \"Parallels Proxy CCID\" at \
         the same index of three arrays of equal length, once, also after the step runs twice.",
        ccid_plist_holds,
    )
    .needs([Need::Undo])
    .mutant(
        "arrays misaligned by one",
        [Edit::run(
            "file=$(realpath /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist) && sed -i -z \
             's|\\(<string>0xFFFD</string>\\)\\(\\s*\\)\\(<string>[^<]*</string>\\)|\\3\\2\\1|' \"$file\"",
        )],
    )
    .mutant(
        "entry twice",
        [Edit::run(
            "file=$(realpath /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist) && sed -i \
             's#<string>\\(0x203A\\|0xFFFD\\|Parallels Proxy CCID\\)</string>#&&#' \"$file\"",
        )],
    )
    .mutant(
        "a step that adds it again",
        [Edit::replace(
            omarchy.file.add_reader.clone(),
            "! grep -qF \"<string>$name</string>\" \"$plist\" || exit 0\n",
            "",
        )],
    )
    .mutant(
        "vendor in the product array",
        [Edit::run(
            "file=$(realpath /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist) && sed -i \
             's|<string>0xFFFD</string>|<string>0x203A</string>|' \"$file\"",
        )],
    )
}

async fn ccid_plist_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    lists_the_reader_once(&*machine).await?;
    // Step 5.3's command. Files of a user's that add the reader by other means may have done away with it.
    let add = &omarchy.file.add_reader;
    let again = format!("test ! -e {add} || {add} 0x203A 0xFFFD 'Parallels Proxy CCID'");
    let again = machine.run(&again).await?;
    expect(again.success(), "adding the reader a second time succeeds", again)?;
    lists_the_reader_once(&*machine).await
}

async fn lists_the_reader_once(machine: &dyn Machine) -> Outcome {
    let there = machine.run(&format!("test -f {PLIST}")).await?;
    expect(there.success(), format!("{PLIST} is there"), there)?;
    let file = machine.read(Path::new(PLIST)).await?;
    let table = match Value::from_reader_xml(&file[..]) {
        Ok(table) => table,
        Err(error) => return violated(format!("{PLIST} is well-formed"), error),
    };
    let mut places = Vec::new();
    for (key, value) in READER {
        let Some(array) = table.as_dictionary().and_then(|table| table.get(key)).and_then(Value::as_array)
        else {
            return violated(format!("{PLIST} has the array {key}"), "it has none");
        };
        let at = array.iter().enumerate().filter(|(_, known)| is(known, value)).map(|(at, _)| at);
        let at: Vec<usize> = at.collect();
        places.push((array.len(), at));
    }
    // Of each array its length, and where the reader is.
    let aligned = places[0].1.len() == 1 && places.iter().all(|place| place == &places[0]);
    let observed = READER
        .iter()
        .zip(&places)
        .map(|((key, value), (length, at))| format!("{value} at {at:?} of the {length} of {key}"));
    expect(
        aligned,
        format!("{PLIST} lists 0x203A, 0xFFFD and its name once, at one index of arrays of one length"),
        observed.collect::<Vec<_>>().join(", "),
    )
}

/// Hexadecimal digits are written either way.
fn is(known: &Value, value: &str) -> bool {
    known.as_string().is_some_and(|known| known.eq_ignore_ascii_case(value))
}
