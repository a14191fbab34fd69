//! What an order to rebuild leaves behind, taken or refused.

use harness::machine::quoted;
use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial, expect, violated};

use super::appliance::Appliance;
use super::marker::Marker;
use super::{ORDER, REBUILD, WATCHDOG, judged};
use crate::appliance::document;

pub const MARKER_COMPLETE: Check = Check {
    invariant: Invariant {
        id: "rollback.marker-complete",
        level: Level::Must,
        statement: "While a rebuild is pending the marker holds the time, the previous system and the flake reference, and the watchdog can read what the agent wrote.",
        source: document("State Files"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(judged(trial, marker_complete(trial))),
    mutants: &[
        Mutant {
            name: "a field missing",
            stage: None,
            boots: true,
            edits: &[Edit::Replace { path: ORDER, from: "    flake_ref \"$flake\" \\\n", to: "" }],
        },
        Mutant {
            name: "another format on one side only",
            stage: None,
            boots: true,
            edits: &[Edit::Replace {
                path: WATCHDOG,
                from: "sed -n \"s/^$2=//p\"",
                to: "sed -n \"s/^$2: //p\"",
            }],
        },
    ],
};

/// How far the time in the marker may be from the guest's, in seconds: an emulated order takes some.
const SKEW: u64 = 60;

async fn marker_complete(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let (before, flake) = (appliance.state().await?, &appliance.rollback.flake.healthy);
    appliance.accepts(flake).await?;

    let pending = appliance.state().await?;
    let now: u64 = appliance.machine.succeed("date +%s").await?.parse()?;
    let Some(Marker { time, previous, flake: of }) = pending.marker(appliance.rollback) else {
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

pub const FAILED_BUILD: Check = Check {
    invariant: Invariant {
        id: "rollback.failed-build",
        level: Level::Must,
        statement: "A build that fails leaves the running system, the boot default and no marker.",
        source: document("Update System"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(judged(trial, failed_build(trial))),
    mutants: &[Mutant {
        name: "marker left behind",
        stage: None,
        boots: true,
        edits: &[Edit::Replace { path: REBUILD, from: "    rm -f \"$marker\"\n", to: "" }],
    }],
};

async fn failed_build(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let before = appliance.state().await?;
    // Whether the order is refused or fails later is not documented.
    appliance.order(&appliance.rollback.flake.failing).await?;
    appliance.soon("no marker is left", &appliance.no_marker()).await?;
    appliance.is_as(&before, "a build that fails changes nothing").await
}

pub const SECOND_ORDER: Check = Check {
    invariant: Invariant {
        id: "rollback.second-order",
        level: Level::Hazard,
        statement: "A second order while one is pending is refused.",
        source: document("Update System"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(judged(trial, second_order(trial))),
    mutants: &[SECOND_ORDER_OVERWRITES],
};

pub const SECOND_ORDER_OVERWRITES: Mutant = Mutant {
    name: "second order overwrites the previous system",
    stage: None,
    boots: true,
    edits: &[
        Edit::Replace {
            path: ORDER,
            from: "[ ! -e \"$marker\" ] || refuse \"a rebuild is pending\"\n",
            to: "",
        },
        Edit::Replace { path: ORDER, from: "ln \"$draft\"", to: "mv \"$draft\"" },
    ],
};

async fn second_order(trial: &Trial) -> Outcome {
    let flake = &trial.rollback()?.flake;
    let (appliance, _) = Appliance::pending(trial, &flake.unhealthy).await?;
    let pending = appliance.state().await?;
    let second = appliance.order(&flake.healthy).await?;
    expect(!second.success(), "the second order is refused", second)?;
    appliance.is_as(&pending, "a second order changes nothing").await
}
