//! How much arrives, and what becomes of more than that.

use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};

use super::HOST;
use super::arrival::received;
use super::awkward::Awkward;
use super::chain::{Credential, Order, deliver, heeds, send};
use super::report::reported;
use super::runner::RUNNER;
use super::sources::INSTALL;
use super::strings::some;
use crate::microvm::loading;

pub fn binary_and_limits() -> Check {
    Check::must(
        "credentials.binary-and-limits",
        loading("Phase 6"),
        "Any bytes arrive intact through the base64 form; a value past the limit is a clear error and costs \
         no other credential.",
        binary_and_limits_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Strings])
    .mutant_of(
        HOST,
        "installs what systemd does not load",
        [Edit::replace(INSTALL, "[ \"$size\" -gt \"$room\" ]", "false")],
    )
    .mutant_of(
        HOST,
        "drops in silence what is too long",
        [Edit::replace(RUNNER, "echo \"credential $1 is not sent: its", ": \"its")],
    )
}

async fn binary_and_limits_holds(trial: &Trial) -> Outcome {
    for awkward in Awkward::orders(trial).await? {
        let sent = send(trial, &awkward.given).await?;
        for name in awkward.too_long() {
            let before = send(trial, &awkward.short).await?;
            reported(name, &sent.said, &before.said, "which is too long")?;
        }
        received(&*deliver(trial, &awkward.given).await?, &awkward.fitting).await?;
    }
    Ok(())
}

pub fn many() -> Check {
    Check::hazard("credentials.many", loading("Phase 5"), "64 credentials of 1 KiB all arrive.", many_holds)
        .needs([Need::Undo, Need::Boot, Need::Strings])
        .mutant_of(HOST, "room for 32 strings", [Edit::replace(RUNNER, "most=255", "most=32")])
}

const COUNT: u32 = 64;

async fn many_holds(trial: &Trial) -> Outcome {
    let names: Vec<String> = (1..=COUNT).map(|number| format!("key-{number}")).collect();
    let values: Vec<String> = (1..=COUNT).map(filled).collect();
    let credentials = names.iter().zip(&values).map(|(name, value)| Credential::new(name, value.as_bytes()));
    let order = Order::of(trial, credentials.collect())?;
    if !heeds(trial, &order).await? {
        return Err(Stop::Skipped("the runner sends its own secrets only, whatever it is asked for".into()));
    }
    let guest = deliver(trial, &order).await?;

    let loads = names.iter().map(|name| format!("--property=LoadCredential={name}:{}", order.sent_as(name)));
    let loads = loads.collect::<Vec<_>>().join(" ");
    let read = guest
        .run(&format!(
            "systemd-run --quiet --wait --pipe {loads} sh -c 'cd $CREDENTIALS_DIRECTORY && cat {}'",
            names.join(" ")
        ))
        .await?;
    let expected = format!("a service reads all {COUNT} credentials of 1 KiB");
    let text = read.text();
    let lost = names.iter().zip(&values).filter(|(_, value)| !text.contains(value.as_str()));
    let lost: Vec<String> = lost.map(|(name, _)| name.clone()).collect();
    expect(text == values.concat(), expected, format!("it does not read {}", some(&lost)))
}

/// 1 KiB that no other has.
fn filled(number: u32) -> String {
    format!("{number:04}").repeat(256)
}
