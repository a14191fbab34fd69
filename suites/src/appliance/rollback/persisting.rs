//! What becomes of a rebuild that is verified, and what counts as that.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::appliance::{Appliance, State};
use super::{AGENT, ORDER, WATCHDOG};
use crate::appliance::document;

pub const PERSIST_WHEN_VERIFIED: Check = Check {
    invariant: Invariant {
        id: "rollback.persist-when-verified",
        level: Level::Must,
        statement: "Verified: within one timer period the new generation is the boot default, and both files are gone.",
        source: document("Update System"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(persist_when_verified(trial)),
    mutants: &[
        Mutant {
            name: "watchdog timer disabled",
            stage: None,
            boots: true,
            edits: &[Edit::Run { command: "systemctl disable msp-rebuild-watchdog.timer" }],
        },
        Mutant {
            name: "agent removes the marker itself",
            stage: None,
            boots: true,
            edits: &[Edit::Replace {
                path: AGENT,
                from: "echo \"verified $SYSTEM\"",
                to: "rm -f \"$marker\"",
            }],
        },
    ],
};

async fn persist_when_verified(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &trial.rollback()?.flake.unbuilt).await?;
    let new = appliance.state().await?.current;
    appliance.verifies().await?;
    appliance.lapse(appliance.period()).await?;
    let after = appliance.state().await?;
    let persisted = after.is_settled() && !after.verified && after.boot_default == new;
    let expected =
        format!("{new} boots by default instead of {}, and nothing is pending", before.boot_default);
    expect(persisted, expected, after)
}

pub const VERIFIED_AFTER_ACTIVATION: Check = Check {
    invariant: Invariant {
        id: "rollback.verified-after-activation",
        level: Level::Hazard,
        statement: "Only a verification made after the activation counts: one left over from before does not persist the new system.",
        source: document("State Files"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(verified_after_activation(trial)),
    mutants: &[STALE_FLAG_ACCEPTED],
};

pub const STALE_FLAG_ACCEPTED: Mutant = Mutant {
    name: "stale flag accepted",
    stage: None,
    boots: true,
    edits: &[
        Edit::Replace { path: ORDER, from: "rm -f \"$draft\" \"$verified\"", to: "rm -f \"$draft\"" },
        Edit::Replace {
            path: WATCHDOG,
            from: "[ -e \"$verified\" ] && [ \"$(field \"$verified\" order)\" = \"$order\" ] && [ \"$(field \"$verified\" system)\" = \"$(current)\" ]",
            to: "[ -e \"$verified\" ]",
        },
    ],
};

async fn verified_after_activation(trial: &Trial) -> Outcome {
    let appliance = Appliance::anywhere(trial).await?;
    let before = appliance.state().await?;
    appliance.flag().await?;
    appliance.accepts(&appliance.rollback.flake.unhealthy).await?;
    appliance.activates(&before).await?;
    appliance.watch().await?;
    let after = appliance.state().await?;
    expect(
        after.boot_default == before.boot_default,
        format!("{} boots by default", before.boot_default),
        after,
    )
}

pub const VERIFIED_MEANS_HEALTHY: Check = Check {
    invariant: Invariant {
        id: "rollback.verified-means-healthy",
        level: Level::Must,
        statement: "The agent verifies only after a health check of the new system: an agent that starts and is unhealthy does not.",
        source: document("Update System"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(verified_means_healthy(trial)),
    mutants: &[Mutant {
        name: "flag written at start-up",
        stage: None,
        boots: true,
        edits: &[Edit::Replace { path: AGENT, from: "serves && verify", to: "verify" }],
    }],
};

async fn verified_means_healthy(trial: &Trial) -> Outcome {
    let appliance = Appliance::anywhere(trial).await?;
    let (before, old) = (appliance.state().await?, appliance.agent().await?);
    let ordered = appliance.uptime().await?;
    appliance.accepts(&appliance.rollback.flake.unhealthy).await?;
    appliance.activates(&before).await?;
    appliance.restarts(&old).await?;

    // Where time passes by itself it goes no further than this, unless it is violated already.
    unverified(&appliance, &before).await?;
    let now = appliance.uptime().await?;
    appliance.lapse((ordered + appliance.limit() * 9 / 10).saturating_sub(now)).await?;
    unverified(&appliance, &before).await
}

async fn unverified(appliance: &Appliance<'_, dyn Machine>, before: &State) -> Outcome {
    let after = appliance.state().await?;
    // The flag may be gone because it has done its work.
    let unverified = !after.verified && after.boot_default == before.boot_default;
    expect(unverified, "not verified as long as it is unhealthy", after)
}

pub const FAILED_SWITCH: Check = Check {
    invariant: Invariant {
        id: "rollback.failed-switch",
        level: Level::Hazard,
        statement: "If persisting fails it is not called persisted: the marker stays or the system is rolled back, and it is logged.",
        source: document("Update System"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(failed_switch(trial)),
    mutants: &[Mutant {
        name: "failure ignored",
        stage: None,
        boots: true,
        edits: &[Edit::Replace {
            path: WATCHDOG,
            from: "is_verified && persist; then",
            to: "is_verified && { persist || true; }; then",
        }],
    }],
};

async fn failed_switch(trial: &Trial) -> Outcome {
    let appliance = Appliance::anywhere(trial).await?;
    let before = appliance.state().await?;
    appliance.machine.succeed("mount --bind /boot /boot && mount -o remount,bind,ro /boot").await?;
    appliance.accepts(&appliance.rollback.flake.healthy).await?;
    appliance.activates(&before).await?;
    appliance.verifies().await?;
    appliance.watch().await?;

    let after = appliance.state().await?;
    let honest = after.marker.is_some() || after.is_settled();
    expect(honest, "still pending or rolled back when the boot entry cannot be written", &after)?;
    let said = appliance.said("warning").await?;
    expect(!said.is_empty(), "the watchdog logs a warning or an error", "nothing")?;

    appliance.machine.succeed("umount /boot").await?;
    appliance.watch().await?;
    if !appliance.state().await?.is_settled() {
        appliance.lapse_past_limit().await?;
    }
    let after = appliance.state().await?;
    expect(after.is_settled(), "settled when the boot entry can be written again", after)
}
