//! Services that are x86_64 programs.

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use super::share::plug_and_register;
use crate::omarchy::wrapper::{DEVICE_BROKER_OVERRIDE, DEVICE_BROKER_UNIT as BROKER};
use crate::omarchy::{DAEMON_RELOAD, document, within};

/// How long after registration the broker must run, in seconds.
const RECOVERY_LIMIT: u32 = 30;

pub fn consumer_recovers() -> Check {
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
            Edit::replace(DEVICE_BROKER_OVERRIDE, "Restart=on-failure", "Restart=no"),
            DAEMON_RELOAD,
            // What systemd has already decided to restart, it would once more. Without the share it fails.
            Edit::run("systemctl restart microsoft-identity-device-broker.service || true"),
        ],
    )
}

async fn consumer_recovers_holds(trial: &Trial) -> Outcome {
    let machine = trial.machine_without_drives().await?;
    let tried =
        machine.succeed(&format!("systemctl show -P ExecMainStartTimestampMonotonic {BROKER}")).await?;
    expect(tried != "0", "the broker was started during boot", "it was not")?;

    plug_and_register(&*machine).await?;
    let is_active = format!("systemctl is-active --quiet {BROKER}");
    let recovered = within(&*machine, RECOVERY_LIMIT, &is_active).await?;
    let state = machine.systemd().await?.active_state(BROKER).await?;
    let expected = format!("{BROKER} is active within {RECOVERY_LIMIT} s of registration");
    expect(recovered, expected, format!("it is {state}"))
}
