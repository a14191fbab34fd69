//! The USB reader that Parallels passes on.

use std::time::Duration;

use harness::{Check, Edit, Need, Outcome, Trial, expect, violated};

use super::host_client::Answer;
use super::reader::{client, plug, token};
use super::signature::signs;
use crate::omarchy::document;
use crate::omarchy::settings::omarchy;

pub fn ccid_reader_appears() -> Check {
    Check::must(
        "smartcard.ccid-reader-appears",
        document("Critical Path for pcscd"),
        "A USB CCID device 0x203A:0xFFFD plugged into the running VM appears in pcscd under that name; \
         unplugged, it goes; ten times in a row.",
        ccid_reader_appears_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant(
        "unpatched plist",
        [Edit::run(
            "file=$(realpath /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist) && sed -i \
             '/>\\(0x203A\\|0xFFFD\\|Parallels Proxy CCID\\)</d' \"$file\"",
        )],
    )
}

const NAME: &str = "Parallels Proxy CCID";

/// How often in a row.
const TIMES: u32 = 10;

/// How long the daemon may take to notice, in the guest's time.
const LIMIT: Duration = Duration::from_secs(20);

async fn ccid_reader_appears_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let token = token(trial).await?;
    let mut client = client(trial, &machine).await?;
    for time in 1..=TIMES {
        let card = plug(trial, &token, &*machine).await?;
        let readers = client.readers_until(LIMIT, |readers| ours(readers).is_some()).await?;
        let Some(reader) = ours(&readers) else {
            let expected = format!("plugged in for time {time}, a reader {NAME:?} appears within {LIMIT:?}");
            return violated(expected, format!("the readers are {readers:?}"));
        };
        // The daemon lists what it is still opening, and keeps for good what goes meanwhile.
        let state = client.change_until(reader, LIMIT, |state| state.is("present")).await?;
        expect(state.is("present"), format!("its card is there within {LIMIT:?}"), state)?;
        if time == 1 {
            signs(&*machine, &omarchy, &token).await?;
        }

        let _pulled = card.pull().await?;
        let state = client.change_until(reader, LIMIT, is_gone).await?;
        expect(
            is_gone(&state),
            format!("unplugged for time {time}, the reader is gone within {LIMIT:?}"),
            state,
        )?;
    }
    Ok(())
}

/// The name of it, which the daemon ends with numbers.
fn ours(readers: &[String]) -> Option<&str> {
    readers.iter().map(String::as_str).find(|reader| reader.starts_with(NAME))
}

/// Whether the daemon no longer knows the reader.
fn is_gone(state: &Answer) -> bool {
    state.is("unknown") || state.is_error("SCARD_E_UNKNOWN_READER")
}
