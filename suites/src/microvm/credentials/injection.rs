//! Values that could be taken for more than a value.

use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};
use proptest::collection::vec;
use proptest::prelude::*;

use super::arrival::{received, stored};
use super::awkward::{Awkward, SEPARATORS, numbered};
use super::chain::{Form, Order, deliver, send};
use super::host::Host;
use super::runner::RUNNER;
use super::strings::{carry, credential, shown, some, subjects};
use super::{AARCH64, CLOUD_HYPERVISOR, HOST};
use crate::microvm::loading;

pub fn no_injection() -> Check {
    Check::hazard(
        "credentials.no-injection",
        loading("Phase 4"),
        "No value, whatever its bytes, can add a second credential or break the list: commas and newlines \
         included (property over byte strings).",
        no_injection_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Strings])
    .mutant_of(
        HOST,
        "comma-joined list with no escaping",
        [
            Edit::replace(
                RUNNER,
                "if IFS= read -r -d '' value <\"$2\" || [[ $value == *[!A-Za-z0-9+/=._:@%-]* ]]; then",
                "IFS= read -r -d '' value <\"$2\"\n    if false; then",
            ),
            Edit::replace(RUNNER, "${string//,/,,}", "$string"),
        ],
    )
}

/// How many values go at a time, and how often.
const VALUES: usize = 8;
const CASES: u32 = 2;

async fn no_injection_holds(trial: &Trial) -> Outcome {
    // The form that QEMU is given does not depend on the guest's architecture: so each form has one.
    let form = match trial.variant() {
        Some(CLOUD_HYPERVISOR) => Form::CloudHypervisor,
        Some(AARCH64) => Form::QemuFile,
        _ => Form::QemuValue,
    };
    let form = form.if_asked(trial)?;
    trial
        .for_all(CASES, vec(value(), VALUES), async |values| {
            for order in Order::each(trial, form, numbered(values)).await? {
                let host = Host::with(trial, &order).await?;
                let hypervisor = host.start().await?;
                let strings = host.strings(hypervisor).await?;
                host.machine.end().await;
                carry(&order, &strings)?;
                let expected = "values bring no other strings than those of harmless ones";
                let usual = usual(trial, &order).await?;
                expect(subjects(&strings) == subjects(&usual), expected, some(&shown(&strings)))?;
            }
            Ok(())
        })
        .await?;
    if trial.variant() == Some(CLOUD_HYPERVISOR) {
        return Ok(());
    }
    // And all the way into a guest.
    for awkward in Awkward::orders(trial).await? {
        let guest = deliver(trial, &awkward.given).await?;
        received(&*guest, &awkward.fitting).await?;
        let usual = usual(trial, &awkward.given).await?;
        let mut known: Vec<String> =
            usual.iter().filter_map(|string| credential(string)).map(|(name, _)| name).collect();
        known.extend(awkward.fitting.delivered().into_iter().map(|(name, _)| name));
        let more: Vec<String> =
            stored(&*guest).await?.into_iter().filter(|name| !known.contains(name)).collect();
        expect(more.is_empty(), "values bring no other credentials than their own", some(&more))?;
    }
    Ok(())
}

/// The strings for harmless values of the same names.
async fn usual(trial: &Trial, order: &Order) -> Result<Vec<Vec<u8>>, Stop> {
    Ok(send(trial, &order.harmless()).await?.smbios.strings())
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
