//! How much arrives, and what becomes of more than that.

use harness::{Check, Invariant, Level, Machine, Outcome, Touches, Trial, expect};

use super::arrival::received;
use super::chain::{Credential, Order, deliver};
use super::host::Host;
use crate::microvm::loading;

pub const BINARY_AND_LIMITS: Check = Check {
    invariant: Invariant {
        id: "credentials.binary-and-limits",
        level: Level::Must,
        statement: "Any bytes arrive intact through the base64 form; a value past the limit is a clear error and costs no other credential.",
        source: loading("Phase 6"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(binary_and_limits(trial)),
    mutants: &[],
};

/// More than a command line holds, and more than systemd does, in bytes.
const PAST_ARGUMENT: usize = 200_000;
const PAST_SYSTEMD: usize = (1 << 20) + 1;

async fn binary_and_limits(trial: &Trial) -> Outcome {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let fitting = [Credential::new("every-byte", &all), Credential::new("backwards", &reversed(&all))];
    let past = [("past-argument", PAST_ARGUMENT), ("past-systemd", PAST_SYSTEMD)];
    let past = past.map(|(name, length)| Credential::new(name, &vec![b'x'; length]));

    let mut order = Order::of(trial, fitting.iter().chain(&past).cloned().collect())?;
    let host = Host::with(trial, &order).await?;
    host.start().await?;
    let said = host.said().await?;
    for name in ["past-argument", "past-systemd"] {
        let told = said
            .lines()
            .any(|line| line.to_lowercase().replace('_', "-").contains(name) && line.contains("at most"));
        expect(told, format!("the journal says that {name} is too long, and what fits"), &said)?;
    }
    for credential in &mut order.credentials[fitting.len()..] {
        credential.there = false;
    }
    let (built, expected) = (host.strings().await?.len(), order.strings().len());
    expect(built == expected, format!("the {expected} others are sent"), built)?;
    received(&*deliver(trial, &Order::of(trial, fitting.to_vec())?).await?, &order).await
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

pub const MANY: Check = Check {
    invariant: Invariant {
        id: "credentials.many",
        level: Level::Hazard,
        statement: "64 credentials of 1 KiB all arrive.",
        source: loading("Phase 5"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(many(trial)),
    mutants: &[],
};

const COUNT: u32 = 64;

async fn many(trial: &Trial) -> Outcome {
    let names: Vec<String> = (1..=COUNT).map(|number| format!("key-{number}")).collect();
    let values: Vec<String> = (1..=COUNT).map(filled).collect();
    let credentials = names.iter().zip(&values).map(|(name, value)| Credential::new(name, value.as_bytes()));
    let order = Order::of(trial, credentials.collect())?;
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
    let arrived = values.iter().filter(|value| read.text().contains(value.as_str())).count();
    expect(read.text() == values.concat(), expected, format!("{arrived} of them"))
}

/// 1 KiB that no other has.
fn filled(number: u32) -> String {
    format!("{number:04}").repeat(256)
}
