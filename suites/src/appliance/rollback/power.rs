//! Power that goes away in the middle of a rebuild.

use futures::future::BoxFuture;
use harness::fault::{Cue, Unflushed};
use harness::{Check, Edit, MachineError, Mutant, Need, Outcome, Trial, expect};
use proptest::{array, sample};

use super::REBUILD;
use super::appliance::Appliance;
use super::settings::{Rollback, rollback};
use crate::appliance::document;

pub fn test_not_persisted() -> Check {
    Check::must(
        "rollback.test-not-persisted",
        document("Update System"),
        "The test phase activates and does not become the boot default: power cut, and the previous \
         generation boots.",
        test_not_persisted_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Power])
    .with(switch_instead_of_test())
}

fn switch_instead_of_test() -> Mutant {
    Mutant::at_boot(
        "switch instead of test",
        [Edit::replace(REBUILD, "nixos-rebuild test", "nixos-rebuild switch")],
    )
}

async fn test_not_persisted_holds(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &rollback(trial)?.flake.unhealthy).await?;
    appliance.machine.cut_power(Unflushed::Kept).await?;
    let booted = appliance.boots_again(trial).await?.state().await?;
    let previous = booted.current == before.current && booted.boot_default == before.boot_default;
    expect(previous, format!("{} boots again", before.current), booted)
}

pub fn power_cut_anywhere() -> Check {
    Check::hazard(
        "rollback.power-cut-anywhere",
        document("Update System"),
        "Power cut at any step of the sequence: the machine boots, and ends persisted-if-verified or rolled \
         back (property over cut points).",
        power_cut_anywhere_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Power, Need::Lapse])
    .with(switch_instead_of_test())
}

/// How far a rebuild is when the power goes away, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The marker is there.
    Ordered,
    Activated,
    Verified,
    /// The profile has the new generation.
    Added,
    /// The boot loader starts it.
    Persisted,
    /// The marker is gone.
    Settled,
}

impl Step {
    const ALL: [Step; 6] =
        [Step::Ordered, Step::Activated, Step::Verified, Step::Added, Step::Persisted, Step::Settled];

    fn cue(self, rollback: &Rollback) -> Cue {
        let marker = rollback.marker.to_string_lossy().into_owned();
        match self {
            Step::Ordered => Cue::FileAppears(marker),
            Step::Activated => Cue::FileAppears("/run/current-system".into()),
            Step::Verified => Cue::FileAppears(rollback.verified.to_string_lossy().into_owned()),
            Step::Added => Cue::FileAppears("/nix/var/nix/profiles/system".into()),
            Step::Persisted => Cue::FileAppears("/boot/loader/loader.conf".into()),
            Step::Settled => Cue::FileVanishes(marker),
        }
    }
}

/// Every step, each with one of the ways in which a disk can lose power, at random. Each is a case of its own, which has
/// the time that a case may take.
async fn power_cut_anywhere_holds(trial: &Trial) -> Outcome {
    let ways = array::uniform6(sample::select(vec![Unflushed::Kept, Unflushed::Lost]));
    for (at, step) in Step::ALL.into_iter().enumerate() {
        trial.for_all(1, ways.clone(), |ways| survives_step(trial, step, ways[at])).await?;
    }
    Ok(())
}

/// Boxed: the compiler cannot see through so many futures in one another.
fn survives_step(trial: &Trial, step: Step, way: Unflushed) -> BoxFuture<'_, Outcome> {
    Box::pin(async move {
        let survived = survives(trial, step, way).await;
        survived.map_err(|stop| stop.at(format!("when it was {step:?} and unflushed writes were {way:?}")))
    })
}

async fn survives(trial: &Trial, step: Step, way: Unflushed) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let before = appliance.state().await?;
    let flake = &appliance.rollback.flake.healthy;
    // Only a marker that is there can vanish.
    let then = if step == Step::Settled {
        appliance.accepts(flake).await?;
        ":".to_owned()
    } else {
        appliance.order_of(flake)
    };
    let limit = appliance.limit() + appliance.period();
    let cut = appliance.machine.cut_power_when(&step.cue(&appliance.rollback), &then, limit, way).await;
    if let Err(MachineError::NoCue { .. }) = cut {
        // What is persisted without it has no such step.
        let after = appliance.state().await?;
        let persisted = after.is_settled() && after.boot_default != before.boot_default;
        return expect(persisted, format!("{flake} is persisted within {} s", limit.as_secs()), after);
    }
    cut?;

    let appliance = appliance.boots_again(trial).await?;
    appliance.lapse(appliance.period()).await?;
    if !appliance.state().await?.is_settled() {
        appliance.lapse_past_limit().await?;
    }
    let after = appliance.state().await?;
    let rolled_back = after.boot_default == before.boot_default;
    let allowed = after.is_settled() && (rolled_back || step >= Step::Verified);
    expect(allowed, format!("{}, unless another was verified", before.boot_default), after)?;
    appliance.is_done_with().await;
    Ok(())
}
