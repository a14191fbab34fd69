//! The agent, when its timer fires before anybody has logged in.

use std::path::Path;
use std::time::Duration;

use harness::machine::Systemd;
use harness::machine::bus::Bus;
use harness::{Check, Edit, Machine, MachineError, Need, Outcome, Stop, Trial, expect, violated};

use super::login::{log_in, with_keyring};
use super::{SESSION_BUS, THE_USER};
use crate::omarchy::wrapper::AGENT_UNIT as UNIT;
use crate::omarchy::{document, in_session};

/// Of the user's own units.
pub const SERVICE: &str = "/home/user/.config/systemd/user/intune-agent.service";

/// How long the agent may take, in real time.
pub const LIMIT: Duration = Duration::from_secs(300);

pub fn agent_before_unlock() -> Check {
    Check::must(
        "session.agent-before-unlock",
        document("Race Conditions and Mitigations, 2"),
        "The agent's timer firing before unlock neither fails for good nor hangs: it is ordered after the \
         session and the keyring.",
        agent_before_unlock_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant(
        "After= missing",
        [Edit::replace(SERVICE, "After=graphical-session.target gnome-keyring-daemon.service\n", "")],
    )
}

async fn agent_before_unlock_holds(trial: &Trial) -> Outcome {
    let machine = with_keyring(trial).await?;
    // A keyring that takes its time, so that who does not wait for it is seen not to.
    let slow = Path::new("/run/systemd/user/gnome-keyring-daemon.service.d/slow.conf");
    machine.write(slow, b"[Service]\nExecStartPre=sleep 5\n", 0o644).await?;
    machine.succeed(&in_session("systemctl --user daemon-reload")).await?;

    let systemd = Bus::connect(&machine, SESSION_BUS, THE_USER).await?.systemd().await?;
    let start = in_session(&format!("systemctl --user start --no-block {UNIT}"));
    let Some(end) = end_of_run(&*machine, &systemd, &start).await? else {
        return violated(
            "the agent's run ends while the keyring is locked",
            format!("it ran on for {LIMIT:?}"),
        );
    };
    expect(end == "failed", "the agent ends with a failure while the keyring is locked", end)?;
    let agent = started(&*machine, "ExecMainStartTimestampMonotonic", UNIT).await?;
    let keyring = started(&*machine, "ActiveEnterTimestampMonotonic", KEYRING).await?;
    let after = 0 < keyring && keyring <= agent;
    let observed = format!("it begins {agent} µs after the boot, and {KEYRING} is there after {keyring} µs");
    expect(after, "the agent begins after the keyring", observed)?;

    log_in(&*machine).await?;
    let again = "after the login the agent runs again, and well";
    match systemd.wait_until(UNIT, "inactive", LIMIT).await {
        Err(MachineError::Never { .. }) => return violated(again, format!("it has not ended in {LIMIT:?}")),
        other => other?,
    }
    let result = machine.succeed(&in_session(&format!("systemctl --user show -P Result {UNIT}"))).await?;
    expect(result == "success", again, format!("it ends with {result}"))
}

/// The user's unit that has the keyring.
const KEYRING: &str = "gnome-keyring-daemon.service";

/// When a unit of the user's began, in microseconds since the boot: 0 if it never did.
async fn started(machine: &dyn Machine, property: &str, unit: &str) -> Result<u64, Stop> {
    let told = machine.succeed(&in_session(&format!("systemctl --user show -P {property} {unit}"))).await?;
    told.parse().map_err(|_| Stop::Broken(format!("{property} of {unit}: {told:?}")))
}

/// How the agent's run ends that a command brings about, if it does in time.
pub async fn end_of_run(
    machine: &dyn Machine,
    systemd: &Systemd,
    command: &str,
) -> Result<Option<String>, Stop> {
    let beginning = async {
        let begun = machine.run(command).await?;
        expect(begun.success(), "the user's service manager starts the agent", begun)
    };
    let ending = async { Ok(systemd.end_of_job(UNIT, LIMIT).await?) };
    let ((), end) = tokio::try_join!(beginning, ending)?;
    Ok(end)
}
