//! Services that are x86_64 programs.

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use super::share::plug_and_register;
use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::{DAEMON_RELOAD, document, within};

/// How long after registration the broker must run, in seconds.
const RECOVERY_LIMIT: u32 = 30;

pub fn consumer_recovers(omarchy: &Omarchy) -> Check {
    Check::must(
        "binfmt.consumer-recovers",
        document("Session-Time Dependencies"),
        "The device broker started before registration is running within 30 s of it (restart policy), never \
         left failed.",
        consumer_recovers_holds,
    )
    .needs([Need::Undo, Need::Drives, Need::Sockets])
    .mutant(
        "Restart=no",
        [
            Edit::replace(omarchy.device_broker_override(), "Restart=on-failure", "Restart=no"),
            DAEMON_RELOAD,
            // What systemd has already decided to restart, it would once more. Without the share it fails.
            Edit::run(format!("systemctl restart {} || true", omarchy.unit.device_broker)),
        ],
    )
}

async fn consumer_recovers_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine_without_drives().await?);
    let broker = &omarchy.unit.device_broker;
    let tried =
        machine.succeed(&format!("systemctl show -P ExecMainStartTimestampMonotonic {broker}")).await?;
    expect(tried != "0", "the broker was started during boot", "it was not")?;

    plug_and_register(&*machine, &omarchy).await?;
    let is_active = format!("systemctl is-active --quiet {broker}");
    let recovered = within(&*machine, RECOVERY_LIMIT, &is_active).await?;
    let state = machine.systemd().await?.active_state(broker).await?;
    let expected = format!("{broker} is active within {RECOVERY_LIMIT} s of registration");
    expect(recovered, expected, format!("it is {state}"))
}
