//! How much arrives, and what becomes of more than that.

use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Stop, Trial, expect};

use super::HOST;
use super::arrival::received;
use super::awkward::Awkward;
use super::chain::{Credential, Order, deliver, heeds, send};
use super::report::reported;
use super::runner::RUNNER;
use super::sources::INSTALL;
use super::strings::some;
use crate::microvm::loading;

pub const BINARY_AND_LIMITS: Check = Check {
    invariant: Invariant {
        id: "credentials.binary-and-limits",
        level: Level::Must,
        statement: "Any bytes arrive intact through the base64 form; a value past the limit is a clear error and costs no other credential.",
        source: loading("Phase 6"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Boot, Need::Strings],
    run: |trial| Box::pin(binary_and_limits(trial)),
    mutants: &[
        Mutant {
            name: "installs what systemd does not load",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace { path: INSTALL, from: "[ \"$size\" -gt \"$room\" ]", to: "false" }],
        },
        Mutant {
            name: "drops in silence what is too long",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: RUNNER,
                from: "echo \"credential $1 is not sent: its",
                to: ": \"its",
            }],
        },
    ],
};

async fn binary_and_limits(trial: &Trial) -> Outcome {
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

pub const MANY: Check = Check {
    invariant: Invariant {
        id: "credentials.many",
        level: Level::Hazard,
        statement: "64 credentials of 1 KiB all arrive.",
        source: loading("Phase 5"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Boot, Need::Strings],
    run: |trial| Box::pin(many(trial)),
    mutants: &[Mutant {
        name: "room for 32 strings",
        stage: Some(HOST),
        boots: true,
        edits: &[Edit::Replace { path: RUNNER, from: "most=255", to: "most=32" }],
    }],
};

const COUNT: u32 = 64;

async fn many(trial: &Trial) -> Outcome {
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
