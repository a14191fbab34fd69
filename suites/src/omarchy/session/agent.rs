//! The agent, when its timer fires before anybody has logged in.

use std::path::Path;
use std::time::Duration;

use harness::machine::Systemd;
use harness::{Check, Edit, Machine, MachineError, Need, Outcome, Stop, Trial, expect, violated};

use super::login::{log_in, with_keyring};
use super::session_bus;
use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, Units, omarchy};

/// How long the agent may take, in real time.
pub const LIMIT: Duration = Duration::from_secs(300);

pub fn agent_before_unlock(omarchy: &Omarchy) -> Check {
    let service = omarchy.unit_file(&omarchy.unit.agent);
    let after = format!("After=graphical-session.target {}\n", omarchy.unit.keyring);
    Check::must(
        "session.agent-before-unlock",
        document("Race Conditions and Mitigations, 2"),
        "The agent's timer firing before unlock neither fails for good nor hangs: it is ordered after the \
         session and the keyring.",
        agent_before_unlock_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant("After= missing", [Edit::replace(service, after, "")])
}

async fn agent_before_unlock_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_keyring(trial).await?);
    let Units { agent: unit, keyring: needed, .. } = &omarchy.unit;
    // A keyring that takes its time, so that who does not wait for it is seen not to.
    let slow = format!("/run/systemd/user/{needed}.d/slow.conf");
    machine.write(Path::new(&slow), b"[Service]\nExecStartPre=sleep 5\n", 0o644).await?;
    machine.succeed(&omarchy.in_session("systemctl --user daemon-reload")).await?;

    let systemd = session_bus(&machine, &omarchy).await?.systemd().await?;
    let start = omarchy.in_session(&format!("systemctl --user start --no-block {unit}"));
    let Some(end) = end_of_run(&*machine, &omarchy, &systemd, &start).await? else {
        return violated(
            "the agent's run ends while the keyring is locked",
            format!("it ran on for {LIMIT:?}"),
        );
    };
    expect(end == "failed", "the agent ends with a failure while the keyring is locked", end)?;
    let agent = started(&*machine, &omarchy, "ExecMainStartTimestampMonotonic", unit).await?;
    let keyring = started(&*machine, &omarchy, "ActiveEnterTimestampMonotonic", needed).await?;
    let after = 0 < keyring && keyring <= agent;
    let observed = format!("it begins {agent} µs after the boot, and {needed} is there after {keyring} µs");
    expect(after, "the agent begins after the keyring", observed)?;

    log_in(&*machine, &omarchy).await?;
    let again = "after the login the agent runs again, and well";
    match systemd.wait_until(unit, "inactive", LIMIT).await {
        Err(MachineError::Never { .. }) => return violated(again, format!("it has not ended in {LIMIT:?}")),
        other => other?,
    }
    let result = omarchy.in_session(&format!("systemctl --user show -P Result {unit}"));
    let result = machine.succeed(&result).await?;
    expect(result == "success", again, format!("it ends with {result}"))
}

/// When a unit of the user's began, in microseconds since the boot: 0 if it never did.
async fn started(machine: &dyn Machine, omarchy: &Omarchy, property: &str, unit: &str) -> Result<u64, Stop> {
    let told = omarchy.in_session(&format!("systemctl --user show -P {property} {unit}"));
    let told = machine.succeed(&told).await?;
    told.parse().map_err(|_| Stop::Broken(format!("{property} of {unit}: {told:?}")))
}

/// How the agent's run ends that a command brings about, if it does in time.
pub async fn end_of_run(
    machine: &dyn Machine,
    omarchy: &Omarchy,
    systemd: &Systemd,
    command: &str,
) -> Result<Option<String>, Stop> {
    let beginning = async {
        let begun = machine.run(command).await?;
        expect(begun.success(), "the user's service manager starts the agent", begun)
    };
    let ending = async { Ok(systemd.end_of_job(&omarchy.unit.agent, LIMIT).await?) };
    let ((), end) = tokio::try_join!(beginning, ending)?;
    Ok(end)
}
