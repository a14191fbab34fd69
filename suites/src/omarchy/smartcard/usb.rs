//! The USB reader that Parallels passes on.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::piv::select_piv;
use crate::omarchy::{document, within};

pub const CCID_READER_APPEARS: Check = Check {
    invariant: Invariant {
        id: "smartcard.ccid-reader-appears",
        level: Level::Must,
        statement: "A USB CCID device 0x203A:0xFFFD plugged into the running VM appears in pcscd under that name; unplugged, it goes; ten times in a row.",
        source: document("Critical Path for pcscd"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(ccid_reader_appears(trial)),
    mutants: &[Mutant {
        name: "unpatched plist",
        stage: None,
        boots: false,
        edits: &[Edit::Run {
            command: "file=$(realpath /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist) && sed -i '/>\\(0x203A\\|0xFFFD\\|Parallels Proxy CCID\\)</d' \"$file\"",
        }],
    }],
};

const NAME: &str = "Parallels Proxy CCID";

/// How often in a row.
const TIMES: u32 = 10;

/// How long the daemon may take to notice, in seconds.
const LIMIT: u32 = 20;

async fn ccid_reader_appears(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let token = trial.token().await?;
    for time in 1..=TIMES {
        let card = trial.plug(&token, &machine).await?;
        let is_listed = format!("opensc-tool --list-readers | grep -q '{NAME}'");
        let appeared = within(&*machine, LIMIT, &is_listed).await?;
        let listed = machine.run("opensc-tool --list-readers").await?;
        expect(
            appeared,
            format!("plugged in for time {time}, a reader {NAME:?} appears within {LIMIT} s"),
            listed,
        )?;
        if time == 1 {
            select_piv(&*machine).await?;
        }

        let _pulled = card.pull().await?;
        let gone = within(&*machine, LIMIT, &format!("! {{ {is_listed}; }}")).await?;
        let listed = machine.run("opensc-tool --list-readers").await?;
        expect(gone, format!("unplugged for time {time}, the reader is gone within {LIMIT} s"), listed)?;
    }
    Ok(())
}
