//! The card, as far as its reader and the daemon carry it.

use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};

use super::client::{Client, found_by};
use super::piv::{select_piv, tries};
use super::reader::{insert, token};
use super::token::{Flaw, PIN};
use crate::omarchy::document;
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::settings::omarchy;

pub fn reader_and_atr() -> Check {
    Check::must(
        "smartcard.reader-and-atr",
        document("Critical Path for pcscd"),
        "With a virtual card in the virtual reader, the reader is listed, the ATR is the card's, and SELECT \
         of the PIV application succeeds.",
        reader_and_atr_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant("reader configuration removed", [Edit::remove("/etc/reader.conf.d/vpcd")])
    .mutant("a card that answers at random", [Flaw::Garbage.edit()])
}

async fn reader_and_atr_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_programs(trial).await.map_err(Stop::undecided)?);
    let token = token(trial).await?;
    Client::Native.finds_the_reader(&*machine, &omarchy, &omarchy.pcscd.socket).await?;

    let _card = insert(trial, &token, &*machine).await?;
    let atr = machine.run(&omarchy.as_user("opensc-tool --atr")).await?;
    expect(atr.text() == token.atr(), format!("the card's ATR is {}", token.atr()), atr)?;
    select_piv(&*machine, &omarchy).await?;
    for process in processes(&*machine, &omarchy) {
        let readers = found_by(&process).await?;
        let expected = format!("{}: its program selects the PIV application (9000)", process.wrapper);
        expect(readers.values().flatten().eq(["9000"]), expected, format!("{readers:?}"))?;
    }
    Ok(())
}

pub fn wrong_pin() -> Check {
    Check::must(
        "smartcard.wrong-pin",
        document("Enrollment Flow"),
        "A wrong PIN is refused, costs one try, and a right PIN then works.",
        wrong_pin_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant("a card that takes any PIN", [Flaw::AnyPin.edit()])
}

async fn wrong_pin_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let token = token(trial).await?;
    let _card = insert(trial, &token, &*machine).await?;
    let before = tries(&*machine, &omarchy).await?;

    let wrong = machine.run(&omarchy.as_user("pkcs11-tool --login --pin 654321 --list-objects")).await?;
    let refused = !wrong.success() && String::from_utf8_lossy(&wrong.stderr).contains("CKR_PIN_INCORRECT");
    expect(refused, "a wrong PIN is refused with CKR_PIN_INCORRECT", wrong)?;
    let after = tries(&*machine, &omarchy).await?;
    expect(after + 1 == before, format!("{} tries are left", before - 1), format!("{after} are"))?;

    let right = omarchy.as_user(&format!("pkcs11-tool --login --pin {PIN} --list-objects"));
    let right = machine.run(&right).await?;
    expect(right.success(), "the right PIN is accepted after that", right)?;
    let again = tries(&*machine, &omarchy).await?;
    expect(again == before, format!("all {before} tries are back"), format!("{again} are left"))
}
