//! What becomes of a rebuild that nobody verifies.

use std::path::Path;
use std::time::Duration;

use harness::fault;
use harness::{Check, Edit, MachineError, Mutant, Need, Outcome, Stop, Trial, expect};

use super::WATCHDOG;
use super::appliance::Appliance;
use super::settings::rollback;
use super::state::State;
use crate::appliance::document;

pub fn rollback_on_timeout() -> Check {
    Check::must(
        "rollback.rollback-on-timeout",
        document("Update System"),
        "Not verified: rolled back after 10 min and no later than 10 min plus one timer period; files gone; \
         agent restarted; boot default unchanged.",
        rollback_on_timeout_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant_at_boot("timeout 60 min", [Edit::replace(WATCHDOG, "limit=600", "limit=3600")])
    .with(no_rollback())
    .mutant_at_boot(
        "only the link goes back",
        [Edit::replace(
            WATCHDOG,
            "[ \"$(current)\" = \"$1\" ] || \"$1/bin/switch-to-configuration\" test",
            "ln -sfn \"$1\" /run/current-system; systemctl restart compliance-agent.service",
        )],
    )
}

pub fn no_rollback() -> Mutant {
    Mutant::at_boot("no rollback", [Edit::replace(WATCHDOG, "roll_back \"$previous\"", "settled")])
}

async fn rollback_on_timeout_holds(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &rollback(trial)?.flake.unhealthy).await?;
    let agent = appliance.agent().await?;
    appliance.lapse_past_limit().await?;
    rolled_back(&appliance, &before).await?;
    appliance.restarts(&agent).await?;
    appliance.has_its_units().await
}

/// Expects that all is as it was before the order.
pub async fn rolled_back(appliance: &Appliance, before: &State) -> Outcome {
    appliance.is_as(before, format!("rolled back: {} runs, and nothing is pending", before.current)).await
}

pub fn not_too_early() -> Check {
    Check::must(
        "rollback.not-too-early",
        document("Update System"),
        "At 9 min 59 s nothing has been rolled back.",
        not_too_early_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant_at_boot("timeout in the wrong unit", [Edit::replace(WATCHDOG, "limit=600", "limit=10")])
}

async fn not_too_early_holds(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let before = appliance.state().await?;
    let ordered = appliance.uptime().await?;
    appliance.accepts(&appliance.rollback.flake.unhealthy).await?;
    appliance.activates(&before).await?;
    let pending = appliance.state().await?;
    appliance.lapse_until(ordered + appliance.limit() - SECOND).await?;
    // Its timer may not be due in this very second.
    appliance.watch().await?;
    let watched = appliance.uptime().await?;
    let after = appliance.state().await?;
    let changes = after.changes_since(&pending, &appliance.rollback);
    if !changes.is_empty() && watched >= ordered + appliance.limit() {
        return Err(Stop::Broken("the watchdog took longer than the second that was left".into()));
    }
    expect(changes.is_empty(), "a second before the limit all is as after the activation", changes.join(", "))
}

const SECOND: Duration = Duration::from_secs(1);

pub fn independent_of_agent() -> Check {
    Check::must(
        "rollback.independent-of-agent",
        document("Update System"),
        "Agent masked, crashing at start or hung: the watchdog still rolls back.",
        independent_of_agent_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant_at_boot(
        "watchdog that needs the agent's unit",
        [Edit::write(
            "/etc/systemd/system/msp-rebuild-watchdog.service.d/agent.conf",
            "[Unit]\nRequires=compliance-agent.service\nAfter=compliance-agent.service\n",
        )],
    )
}

/// What ails an agent.
#[derive(Debug, Clone, Copy)]
enum Ailment {
    Masked,
    Crashing,
    Hung,
}

async fn independent_of_agent_holds(trial: &Trial) -> Outcome {
    for ailment in [Ailment::Masked, Ailment::Crashing, Ailment::Hung] {
        let (appliance, before) = Appliance::pending(trial, &rollback(trial)?.flake.unhealthy).await?;
        falls_ill(&appliance, ailment).await?;
        appliance.lapse_past_limit().await?;
        rolled_back(&appliance, &before)
            .await
            .map_err(|stop| stop.at(format!("with the agent {}", format!("{ailment:?}").to_lowercase())))?;
        appliance.is_done_with().await;
    }
    Ok(())
}

async fn falls_ill(appliance: &Appliance, ailment: Ailment) -> Result<(), MachineError> {
    let (machine, agent) = (&*appliance.machine, &appliance.rollback.agent);
    match ailment {
        Ailment::Masked => {
            // A file of the administrator's own is in the way of the mask.
            machine.succeed(&format!("rm -f /etc/systemd/system/{agent}")).await?;
            fault::mask(machine, agent).await
        }
        Ailment::Crashing => {
            // The pause only spares the emulator hundreds of starts.
            let drop_in = "[Service]\nType=exec\nExecStart=\nExecStart=/bin/false\nRestartSec=100\n";
            let file = format!("/run/systemd/system/{agent}.d/crash.conf");
            machine.write(Path::new(&file), drop_in.as_bytes(), 0o644).await?;
            machine.succeed("systemctl daemon-reload").await?;
            match fault::restart(machine, agent).await {
                // It may crash before it counts as started.
                Ok(()) | Err(MachineError::Failed { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        }
        Ailment::Hung => fault::hang(machine, agent).await,
    }
}
