//! Values that could be taken for more than a value.

use harness::{Check, Edit, Invariant, Level, Mutant, Outcome, Touches, Trial, expect};
use proptest::collection::vec;
use proptest::prelude::*;

use super::arrival::received;
use super::awkward::{Awkward, SEPARATORS, numbered};
use super::chain::{Order, deliver};
use super::frontend::Frontend;
use super::host::Host;
use super::runner::{RUNNER, shown};
use super::{AARCH64, CLOUD_HYPERVISOR, HOST};
use crate::microvm::loading;

pub const NO_INJECTION: Check = Check {
    invariant: Invariant {
        id: "credentials.no-injection",
        level: Level::Hazard,
        statement: "No value, whatever its bytes, can add a second credential or break the list: commas and newlines included (property over byte strings).",
        source: loading("Phase 4"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(no_injection(trial)),
    mutants: &[Mutant {
        name: "comma-joined list with no escaping",
        stage: Some(HOST),
        boots: true,
        edits: &[
            Edit::Replace {
                path: RUNNER,
                from: "if IFS= read -r -d '' value <\"$2\" || [[ $value == *[!A-Za-z0-9+/=._:@%-]* ]]; then",
                to: "IFS= read -r -d '' value <\"$2\"\n    if false; then",
            },
            Edit::Replace { path: RUNNER, from: "${string//,/,,}", to: "$string" },
        ],
    }],
};

/// How many values go at a time, and how often.
const VALUES: usize = 8;
const CASES: u32 = 2;

async fn no_injection(trial: &Trial) -> Outcome {
    // The form that QEMU is given does not depend on the guest's architecture: so each form has one.
    let frontend = match trial.variant() {
        Some(CLOUD_HYPERVISOR) => Frontend::CloudHypervisor,
        Some(AARCH64) => Frontend::QemuFile,
        _ => Frontend::QemuValue,
    };
    trial
        .for_all(CASES, vec(value(), VALUES), async |values| {
            let order = Order { frontend, ..numbered(trial, values)? };
            let host = Host::with(trial, &order).await?;
            host.start().await?;
            let (built, expected) = (host.strings().await?, order.strings());
            host.machine.kill().await;
            let said = format!("one string for each value: {}", shown(&expected));
            expect(built == expected, said, shown(&built))
        })
        .await?;
    if frontend == Frontend::CloudHypervisor {
        return Ok(());
    }
    // And all the way into a guest.
    let awkward = Awkward::order(trial)?;
    received(&*deliver(trial, &awkward.given).await?, &awkward.fitting).await
}

/// Any bytes but none and one NUL, which both mean that there is no value.
fn value() -> impl Strategy<Value = Vec<u8>, Tree: Send> {
    let piece = prop_oneof![
        3 => proptest::sample::select(&SEPARATORS[..]).prop_map(<[u8]>::to_vec),
        2 => vec(any::<u8>(), 1..8),
        1 => vec(b'A'..=b'Z', 1..16),
    ];
    vec(piece, 1..6).prop_map(|pieces| pieces.concat()).prop_filter("one NUL", |value| value != b"\0")
}
