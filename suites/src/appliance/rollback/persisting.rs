//! What becomes of a rebuild that is verified, and what counts as that.

use harness::fault::CrampedDisk;
use harness::{Check, Edit, Mutant, Need, Outcome, Stop, Trial, expect, violated};

use super::appliance::Appliance;
use super::journal::{WARNING, last_words};
use super::settings::rollback;
use super::state::{Boots, State};
use super::{AGENT, ORDER, SWITCH, WATCHDOG};
use crate::appliance::document;

pub fn persist_when_verified() -> Check {
    Check::must(
        "rollback.persist-when-verified",
        document("Update System"),
        "Verified: within one timer period the new generation is the boot default, and both files are gone.",
        persist_when_verified_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant_at_boot("watchdog timer disabled", [Edit::run("systemctl disable msp-rebuild-watchdog.timer")])
    .mutant_at_boot(
        "agent removes the marker itself",
        [Edit::replace(AGENT, "echo \"verified $SYSTEM\"", "rm -f \"$marker\"")],
    )
}

async fn persist_when_verified_holds(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &rollback(trial)?.flake.unbuilt).await?;
    let new = appliance.state().await?.current;
    appliance.verifies().await?;
    appliance.lapse(appliance.period()).await?;
    let after = appliance.state().await?;
    let persisted = after.is_settled() && !after.verified && after.current == new;
    let expected =
        format!("{new} runs and boots by default instead of {}, and both files are gone", before.current);
    expect(persisted, expected, after)
}

pub fn verified_after_activation() -> Check {
    Check::hazard(
        "rollback.verified-after-activation",
        document("State Files"),
        "Only a verification made after the activation counts: one left over from before does not persist \
         the new system.",
        verified_after_activation_holds,
    )
    .needs([Need::Undo])
    .with(stale_flag_accepted())
}

pub fn stale_flag_accepted() -> Mutant {
    Mutant::at_boot(
        "stale flag accepted",
        [
            Edit::replace(ORDER, "rm -f \"$draft\" \"$verified\"", "rm -f \"$draft\""),
            Edit::replace(
                WATCHDOG,
                "[ -e \"$verified\" ] && [ \"$(field \"$verified\" order)\" = \"$order\" ] && \
                 [ \"$(field \"$verified\" system)\" = \"$(current)\" ]",
                "[ -e \"$verified\" ]",
            ),
        ],
    )
}

async fn verified_after_activation_holds(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let before = appliance.state().await?;
    appliance.flag().await?;
    appliance.accepts(&appliance.rollback.flake.unhealthy).await?;
    appliance.activates(&before).await?;
    appliance.watch().await?;
    let after = appliance.state().await?;
    expect(after.boot_default == before.boot_default, &before.boot_default, after)
}

pub fn verified_means_healthy() -> Check {
    Check::must(
        "rollback.verified-means-healthy",
        document("Update System"),
        "The agent verifies only after a health check of the new system: an agent that starts and is \
         unhealthy does not.",
        verified_means_healthy_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant_at_boot("flag written at start-up", [Edit::replace(AGENT, "serves && verify", "verify")])
}

async fn verified_means_healthy_holds(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
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

async fn unverified(appliance: &Appliance, before: &State) -> Outcome {
    let after = appliance.state().await?;
    // The flag may be gone because it has done its work.
    let unverified = !after.verified && after.boot_default == before.boot_default;
    expect(unverified, "not verified as long as it is unhealthy", after)
}

pub fn failed_switch() -> Check {
    Check::hazard(
        "rollback.failed-switch",
        document("Update System"),
        "If persisting fails because /boot is full, however far it has come: it is not called persisted, \
         the marker stays or the system is rolled back, it is logged, and what boots by default is there.",
        failed_switch_holds,
    )
    .needs([Need::Undo])
    .mutant_at_boot(
        "failure ignored",
        [Edit::replace(
            WATCHDOG,
            "is_verified && persist; then",
            "is_verified && { persist || true; }; then",
        )],
    )
    .mutant_at_boot(
        "default before its entry",
        [
            Edit::replace(
                SWITCH,
                "    printf 'title NixOS",
                "    printf 'timeout 5\\ndefault %s\\n' \"$entry\" >\"$loader/loader.conf\" || return\n    \
                 printf 'title NixOS",
            ),
            Edit::replace(
                SWITCH,
                " || return\n    printf 'timeout 5\\ndefault %s\\n' \"$entry\" | \
                 replace \"$loader/loader.conf\"",
                "",
            ),
        ],
    )
    .mutant_at_boot(
        "failure not told",
        [Edit::replace(
            WATCHDOG,
            "    say 3 \"persisting $(current) failed, and will be tried again\"\n    exit 1\n",
            "    exit 0\n",
        )],
    )
}

/// How many blocks more than none /boot is given at most.
const BLOCKS: u32 = 16;

async fn failed_switch_holds(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let before = appliance.rebuilds(&appliance.rollback.flake.healthy).await.map_err(Stop::undecided)?;
    appliance.verifies().await.map_err(Stop::undecided)?;

    // With each block more it comes further before there is no room.
    let boot = CrampedDisk::over(&*appliance.machine, "/boot").await?;
    for free in 0..=BLOCKS {
        let fails = fails_honestly(&appliance, &before).await;
        if fails.map_err(|stop| stop.at(format!("with {free} free blocks in /boot")))? == Persisting::Over {
            return Ok(());
        }
        boot.grow(&*appliance.machine).await?;
    }
    appliance.lapse_past_limit().await?;
    let after = appliance.state().await?;
    expect(after.is_settled(), "settled when the boot entry can be written again", after)
}

/// Whether persisting may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Persisting {
    Pending,
    Over,
}

async fn fails_honestly(appliance: &Appliance, before: &State) -> Result<Persisting, Stop> {
    let watched = appliance.watch().await?;
    let after = appliance.state().await?;
    if let Boots::Nothing(reason) = &after.boot_default {
        return violated("what boots by default is there", reason);
    }
    let honest = after.marker.is_some() || after.is_settled();
    expect(honest, "still pending, rolled back, or persisted indeed", &after)?;
    if after.is_settled() && after.boot_default != before.boot_default {
        return Ok(Persisting::Over);
    }
    // That it has failed is logged of every unit.
    let said = appliance.said().await?;
    let told = !watched.success() || said.iter().any(|said| said.priority <= WARNING);
    expect(told, "the watchdog fails, or logs a warning or an error", last_words(&said))?;
    Ok(if after.is_settled() { Persisting::Over } else { Persisting::Pending })
}
