//! A wall clock that is wrong while a rebuild is pending.

use std::time::Duration;

use harness::fault::{Step, Unflushed};
use harness::{Check, Edit, Need, Outcome, Trial};

use super::WATCHDOG;
use super::appliance::Appliance;
use super::settings::rollback;
use super::timeout::rolled_back;
use crate::appliance::document;

pub fn clock_step() -> Check {
    Check::hazard(
        "rollback.clock-step",
        document("Update System"),
        "The clock stepped forward or back by hours while pending neither rolls a good system back early \
         nor postpones a rollback past the bound.",
        clock_step_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant_at_boot(
        "wall-clock arithmetic",
        [
            Edit::replace(
                WATCHDOG,
                "began=$(field \"$marker\" uptime)",
                "began=$(field \"$marker\" timestamp)",
            ),
            Edit::replace(WATCHDOG, "now=${now%.*}", "now=$(date +%s)"),
        ],
    )
}

const HOUR: Duration = Duration::from_secs(3600);

async fn clock_step_holds(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &rollback(trial)?.flake.unhealthy).await?;
    let pending = appliance.state().await?;
    appliance.machine.step_clock(Step::Forward(3 * HOUR)).await?;
    appliance.watch().await?;
    appliance.is_as(&pending, "still pending with the clock three hours ahead").await?;

    appliance.machine.step_clock(Step::Back(6 * HOUR)).await?;
    appliance.lapse_past_limit().await?;
    rolled_back(&appliance, &before).await
}

pub fn clock_across_boots() -> Check {
    Check::hazard(
        "rollback.clock-across-boots",
        document("Update System"),
        "Power lost while pending, and a clock that is then years off (an empty battery, a dead clock): \
         settled within the bound of the boot, and nothing persisted that was not verified.",
        clock_across_boots_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Power, Need::Lapse])
    .mutant_at_boot(
        "wall-clock arithmetic across boots",
        [
            Edit::replace(
                WATCHDOG,
                "elif [ \"$boot\" != \"$(cat /proc/sys/kernel/random/boot_id)\" ]; then",
                "elif [ \"$boot\" != \"$(cat /proc/sys/kernel/random/boot_id)\" ] && \
                         [ $(($(date +%s) - $(field \"$marker\" timestamp))) -gt \"$limit\" ]; then",
            ),
            Edit::replace(
                WATCHDOG,
                "elif [ $((now - began)) -gt \"$limit\" ]; then",
                "elif [ \"$boot\" = \"$(cat /proc/sys/kernel/random/boot_id)\" ] && \
                         [ $((now - began)) -gt \"$limit\" ]; then",
            ),
        ],
    )
    .mutant_at_boot(
        "seconds since another boot",
        [Edit::replace(
            WATCHDOG,
            "elif [ \"$boot\" != \"$(cat /proc/sys/kernel/random/boot_id)\" ]; then",
            "elif false; then",
        )],
    )
}

/// What the hardware's clock says after an empty battery, and what one may say that was never set right: in 2100.
const CLOCKS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(4_102_444_800)];

async fn clock_across_boots_holds(trial: &Trial) -> Outcome {
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
