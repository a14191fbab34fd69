//! A wall clock that is wrong while a rebuild is pending.

use std::time::Duration;

use harness::fault::{Step, Unflushed};
use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial};

use super::appliance::Appliance;
use super::timeout::rolled_back;
use super::{WATCHDOG, judged};
use crate::appliance::document;

pub const CLOCK_STEP: Check = Check {
    invariant: Invariant {
        id: "rollback.clock-step",
        level: Level::Hazard,
        statement: "The clock stepped forward or back by hours while pending neither rolls a good system back early nor postpones a rollback past the bound.",
        source: document("Update System"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Lapse],
    run: |trial| Box::pin(judged(trial, clock_step(trial))),
    mutants: &[Mutant {
        name: "wall-clock arithmetic",
        stage: None,
        boots: true,
        edits: &[
            Edit::Replace {
                path: WATCHDOG,
                from: "began=$(field \"$marker\" uptime)",
                to: "began=$(field \"$marker\" timestamp)",
            },
            Edit::Replace { path: WATCHDOG, from: "now=${now%.*}", to: "now=$(date +%s)" },
        ],
    }],
};

const HOUR: Duration = Duration::from_secs(3600);

async fn clock_step(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &trial.rollback()?.flake.unhealthy).await?;
    let pending = appliance.state().await?;
    appliance.machine.step_clock(Step::Forward(3 * HOUR)).await?;
    appliance.watch().await?;
    appliance.is_as(&pending, "still pending with the clock three hours ahead").await?;

    appliance.machine.step_clock(Step::Back(6 * HOUR)).await?;
    appliance.lapse_past_limit().await?;
    rolled_back(&appliance, &before).await
}

pub const CLOCK_ACROSS_BOOTS: Check = Check {
    invariant: Invariant {
        id: "rollback.clock-across-boots",
        level: Level::Hazard,
        statement: "Power lost while pending, and a clock that is then years off (an empty battery, a dead clock): settled within the bound of the boot, and nothing persisted that was not verified.",
        source: document("Update System"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Boot, Need::Power, Need::Lapse],
    run: |trial| Box::pin(judged(trial, clock_across_boots(trial))),
    mutants: &[
        Mutant {
            name: "wall-clock arithmetic across boots",
            stage: None,
            boots: true,
            edits: &[
                Edit::Replace {
                    path: WATCHDOG,
                    from: "elif [ \"$boot\" != \"$(cat /proc/sys/kernel/random/boot_id)\" ]; then",
                    to: "elif [ \"$boot\" != \"$(cat /proc/sys/kernel/random/boot_id)\" ] && \
                         [ $(($(date +%s) - $(field \"$marker\" timestamp))) -gt \"$limit\" ]; then",
                },
                Edit::Replace {
                    path: WATCHDOG,
                    from: "elif [ $((now - began)) -gt \"$limit\" ]; then",
                    to: "elif [ \"$boot\" = \"$(cat /proc/sys/kernel/random/boot_id)\" ] && \
                         [ $((now - began)) -gt \"$limit\" ]; then",
                },
            ],
        },
        Mutant {
            name: "seconds since another boot",
            stage: None,
            boots: true,
            edits: &[Edit::Replace {
                path: WATCHDOG,
                from: "elif [ \"$boot\" != \"$(cat /proc/sys/kernel/random/boot_id)\" ]; then",
                to: "elif false; then",
            }],
        },
    ],
};

/// What the hardware's clock says after an empty battery, and what one may say that was never set right: in 2100.
const CLOCKS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(4_102_444_800)];

async fn clock_across_boots(trial: &Trial) -> Outcome {
    for clock in CLOCKS {
        let appliance = Appliance::fresh(trial).await?;
        // So that by the seconds since another boot it would be pending for longer.
        appliance.lapse(appliance.limit() / 2).await?;
        let before = appliance.rebuilds(&appliance.rollback.flake.unhealthy).await?;
        appliance.machine.set_hardware_clock(clock).await?;
        appliance.machine.cut_power(Unflushed::Kept).await?;

        let appliance = appliance.boots_again(trial).await?;
        appliance.lapse_past_limit().await?;
        let place =
            |stop: harness::Stop| stop.at(format!("with a clock that said {} s since 1970", clock.as_secs()));
        rolled_back(&appliance, &before).await.map_err(place)?;
        appliance.is_done_with().await;
    }
    Ok(())
}
