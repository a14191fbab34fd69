//! Power that goes away in the middle of a rebuild.

use std::time::Duration;

use harness::{Check, Edit, Invariant, Level, Mutant, Outcome, Touches, Trial, expect};
use proptest::prelude::Strategy;
use proptest::prop_oneof;

use super::REBUILD;
use super::appliance::Appliance;
use crate::appliance::document;

pub const TEST_NOT_PERSISTED: Check = Check {
    invariant: Invariant {
        id: "rollback.test-not-persisted",
        level: Level::Must,
        statement: "The test phase activates and does not become the boot default: power cut, and the previous generation boots.",
        source: document("Update System"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(test_not_persisted(trial)),
    mutants: &[Mutant {
        name: "switch instead of test",
        stage: None,
        edits: &[Edit::Replace { path: REBUILD, from: "nixos-rebuild test", to: "nixos-rebuild switch" }],
    }],
};

async fn test_not_persisted(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &trial.rollback()?.flake.unhealthy).await?;
    let booted = appliance.loses_power(trial).await?.state().await?;
    let previous = booted.current == before.current && booted.boot_default == before.boot_default;
    expect(previous, format!("{} boots again", before.current), booted)
}

pub const POWER_CUT_ANYWHERE: Check = Check {
    invariant: Invariant {
        id: "rollback.power-cut-anywhere",
        level: Level::Hazard,
        statement: "Power cut at any step of the sequence: the machine boots, and ends persisted-if-verified or rolled back (property over cut points).",
        source: document("Update System"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(power_cut_anywhere(trial)),
    mutants: &[],
};

/// When the power goes away, in milliseconds of the guest.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// After the order was taken: the marker is there, the new system is built and activated.
    Ordered(u64),
    /// After the watchdog has begun to persist what is verified.
    Persisting(u64),
}

/// How many cut points are tried. Each takes a boot.
const CUTS: u32 = 4;

/// Longer than either takes, in milliseconds of the guest.
const LONGEST: u64 = 1500;

async fn power_cut_anywhere(trial: &Trial) -> Outcome {
    let cuts = prop_oneof![(0..LONGEST).prop_map(Cut::Ordered), (0..LONGEST).prop_map(Cut::Persisting),];
    trial.for_all(CUTS, cuts, |cut| survives(trial, cut)).await
}

async fn survives(trial: &Trial, cut: Cut) -> Outcome {
    let flake = &trial.rollback()?.flake.healthy;
    let (appliance, before, new) = match cut {
        Cut::Ordered(after) => {
            let appliance = Appliance::fork(trial).await?;
            let before = appliance.state().await?;
            appliance.accepts(flake).await?;
            appliance.lapse(Duration::from_millis(after)).await?;
            (appliance, before, None)
        }
        Cut::Persisting(after) => {
            let (appliance, before) = Appliance::pending(trial, flake).await?;
            appliance.verifies().await?;
            let verified = appliance.state().await?;
            appliance.begin_watch().await?;
            appliance.lapse(Duration::from_millis(after)).await?;
            (appliance, before, Some(verified.current))
        }
    };
    let appliance = appliance.loses_power(trial).await?;
    appliance.lapse(appliance.period()).await?;
    if !appliance.state().await?.is_settled() {
        appliance.lapse_past_limit().await?;
    }
    let after = appliance.state().await?;
    let allowed = after.boot_default == before.boot_default || new.as_ref() == Some(&after.boot_default);
    let expected =
        format!("{} runs and boots by default, or {new:?} if it was verified", before.boot_default);
    expect(after.is_settled() && allowed, expected, after)
}
