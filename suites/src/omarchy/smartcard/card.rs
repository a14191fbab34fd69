//! The card, as far as its reader and the daemon carry it.

use harness::smartcard::{Flaw, PIN};
use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Stop, Trial, expect};

use super::SOCKET;
use super::client::{NATIVE, found_by};
use super::piv::{select_piv, tries};
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::{as_user, document};

pub const READER_AND_ATR: Check = Check {
    invariant: Invariant {
        id: "smartcard.reader-and-atr",
        level: Level::Must,
        statement: "With a virtual card in the virtual reader, the reader is listed, the ATR is the card's, and SELECT of the PIV application succeeds.",
        source: document("Critical Path for pcscd"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Sockets, Need::Token],
    run: |trial| Box::pin(reader_and_atr(trial)),
    mutants: &[
        Mutant {
            name: "reader configuration removed",
            stage: None,
            boots: false,
            edits: &[Edit::Remove { path: "/etc/reader.conf.d/vpcd" }],
        },
        Mutant {
            name: "a card that answers at random",
            stage: None,
            boots: false,
            edits: &[Edit::Token(Flaw::Garbage)],
        },
    ],
};

async fn reader_and_atr(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await.map_err(Stop::undecided)?;
    let token = trial.token().await?;
    NATIVE.finds_the_reader(&*machine, SOCKET).await?;

    let _card = trial.insert(&token, &*machine).await?;
    let atr = machine.run(&as_user("opensc-tool --atr")).await?;
    expect(atr.text() == token.atr(), format!("the card's ATR is {}", token.atr()), atr)?;
    select_piv(&*machine).await?;
    for process in processes(&*machine) {
        let readers = found_by(&process).await?;
        let expected = format!("{}: its program selects the PIV application (9000)", process.wrapper);
        expect(readers.values().flatten().eq(["9000"]), expected, format!("{readers:?}"))?;
    }
    Ok(())
}

pub const WRONG_PIN: Check = Check {
    invariant: Invariant {
        id: "smartcard.wrong-pin",
        level: Level::Must,
        statement: "A wrong PIN is refused, costs one try, and a right PIN then works.",
        source: document("Enrollment Flow"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Sockets, Need::Token],
    run: |trial| Box::pin(wrong_pin(trial)),
    mutants: &[Mutant {
        name: "a card that takes any PIN",
        stage: None,
        boots: false,
        edits: &[Edit::Token(Flaw::AnyPin)],
    }],
};

async fn wrong_pin(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let token = trial.token().await?;
    let _card = trial.insert(&token, &*machine).await?;
    let before = tries(&*machine).await?;

    let wrong = machine.run(&as_user("pkcs11-tool --login --pin 654321 --list-objects")).await?;
    let refused = !wrong.success() && String::from_utf8_lossy(&wrong.stderr).contains("CKR_PIN_INCORRECT");
    expect(refused, "a wrong PIN is refused with CKR_PIN_INCORRECT", wrong)?;
    let after = tries(&*machine).await?;
    expect(after + 1 == before, format!("{} tries are left", before - 1), format!("{after} are"))?;

    let right = machine.run(&as_user(&format!("pkcs11-tool --login --pin {PIN} --list-objects"))).await?;
    expect(right.success(), "the right PIN is accepted after that", right)?;
    let again = tries(&*machine).await?;
    expect(again == before, format!("all {before} tries are back"), format!("{again} are left"))
}
