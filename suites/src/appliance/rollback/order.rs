//! What an order to rebuild leaves behind, taken or refused.

use harness::machine::quoted;
use harness::{Check, Edit, Mutant, Need, Outcome, Trial, expect, violated};

use super::appliance::Appliance;
use super::marker::Marker;
use super::settings::rollback;
use super::{ORDER, REBUILD, WATCHDOG};
use crate::appliance::document;

pub fn marker_complete() -> Check {
    Check::must(
        "rollback.marker-complete",
        document("State Files"),
        "While a rebuild is pending the marker holds the time, the previous system and the flake reference, \
         and the watchdog can read what the agent wrote.",
        marker_complete_holds,
    )
    .needs([Need::Undo])
    .mutant_at_boot("a field missing", [Edit::replace(ORDER, "    flake_ref \"$flake\" \\\n", "")])
    .mutant_at_boot(
        "another format on one side only",
        [Edit::replace(WATCHDOG, "sed -n \"s/^$2=//p\"", "sed -n \"s/^$2: //p\"")],
    )
}

/// How far the time in the marker may be from the guest's, in seconds: an emulated order takes some.
const SKEW: u64 = 60;

async fn marker_complete_holds(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let (before, flake) = (appliance.state().await?, &appliance.rollback.flake.healthy);
    appliance.accepts(flake).await?;

    let pending = appliance.state().await?;
    let now: u64 = appliance.machine.succeed("date +%s").await?.parse()?;
    let Some(Marker { time, previous, flake: of }) = pending.marker(&appliance.rollback) else {
        return violated("a rebuild that was ordered is pending", pending);
    };
    let timely = time.is_some_and(|time| time.abs_diff(now) <= SKEW);
    expect(timely, format!("the marker says when it was ordered, about {now} s since 1970"), &pending)?;
    // By whichever of its names.
    let previous = previous.unwrap_or_default();
    let named = appliance.machine.run(&format!("readlink -f -- {}", quoted(&previous))).await?.text();
    let same = !previous.is_empty() && named == before.current;
    expect(same, format!("the marker names the previous system, {}", before.current), &pending)?;
    let same = of.as_deref() == Some(flake);
    expect(same, format!("the marker names the flake reference, {flake}"), &pending)?;

    // One that it could not read would not have it persist.
    appliance.activates(&before).await?;
    appliance.verifies().await?;
    appliance.watch().await?;
    let after = appliance.state().await?;
    let read = after.is_settled() && after.boot_default != before.boot_default;
    expect(read, "the watchdog persists what the marker says", after)
}

pub fn failed_build() -> Check {
    Check::must(
        "rollback.failed-build",
        document("Update System"),
        "A build that fails leaves the running system, the boot default and no marker.",
        failed_build_holds,
    )
    .needs([Need::Undo])
    .mutant_at_boot("marker left behind", [Edit::replace(REBUILD, "    rm -f \"$marker\"\n", "")])
}

async fn failed_build_holds(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let before = appliance.state().await?;
    // Whether the order is refused or fails later is not documented.
    appliance.order(&appliance.rollback.flake.failing).await?;
    appliance.soon("no marker is left", &appliance.no_marker()).await?;
    appliance.is_as(&before, "a build that fails changes nothing").await
}

pub fn second_order() -> Check {
    Check::hazard(
        "rollback.second-order",
        document("Update System"),
        "A second order while one is pending is refused.",
        second_order_holds,
    )
    .needs([Need::Undo])
    .with(second_order_overwrites())
}

pub fn second_order_overwrites() -> Mutant {
    Mutant::at_boot(
        "second order overwrites the previous system",
        [
            Edit::replace(ORDER, "[ ! -e \"$marker\" ] || refuse \"a rebuild is pending\"\n", ""),
            Edit::replace(ORDER, "ln \"$draft\"", "mv \"$draft\""),
        ],
    )
}

async fn second_order_holds(trial: &Trial) -> Outcome {
    let flake = &rollback(trial)?.flake;
    let (appliance, _) = Appliance::pending(trial, &flake.unhealthy).await?;
    let pending = appliance.state().await?;
    let second = appliance.order(&flake.healthy).await?;
    expect(!second.success(), "the second order is refused", second)?;
    appliance.is_as(&pending, "a second order changes nothing").await
}
