//! The agent, when its timer fires before anybody has logged in.

use std::path::Path;
use std::time::Duration;

use harness::machine::Systemd;
use harness::{
    Check, Edit, Invariant, Level, Machine, MachineError, Mutant, Outcome, Stop, Touches, Trial, expect,
};

use super::login::{log_in, with_keyring};
use super::{SESSION_BUS, THE_USER, in_session};
use crate::omarchy::document;

pub const UNIT: &str = "intune-agent.service";

/// Of the user's own units.
pub const SERVICE: &str = "/home/user/.config/systemd/user/intune-agent.service";

/// How long the agent may take, in real time.
pub const LIMIT: Duration = Duration::from_secs(300);

pub const AGENT_BEFORE_UNLOCK: Check = Check {
    invariant: Invariant {
        id: "session.agent-before-unlock",
        level: Level::Must,
        statement: "The agent's timer firing before unlock neither fails for good nor hangs: it is ordered after the session and the keyring.",
        source: document("Race Conditions and Mitigations, 2"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(agent_before_unlock(trial)),
    mutants: &[Mutant {
        name: "After= missing",
        stage: None,
        boots: false,
        edits: &[Edit::Replace {
            path: SERVICE,
            from: "After=graphical-session.target gnome-keyring-daemon.service\n",
            to: "",
        }],
    }],
};

async fn agent_before_unlock(trial: &Trial) -> Outcome {
    let machine = with_keyring(trial).await?;
    // A keyring that takes its time, so that who does not wait for it is seen not to.
    let slow = Path::new("/run/systemd/user/gnome-keyring-daemon.service.d/slow.conf");
    machine.write(slow, b"[Service]\nExecStartPre=sleep 5\n", 0o644).await?;
    machine.succeed(&in_session("systemctl --user daemon-reload")).await?;

    let systemd = machine.bus(SESSION_BUS, THE_USER).await?.systemd().await?;
    let start = in_session(&format!("systemctl --user start --no-block {UNIT}"));
    let end = end_of_run(&*machine, &systemd, &start).await?;
    let end = end.ok_or_else(|| Stop::Broken(format!("the agent ran on for {LIMIT:?}")))?;
    expect(end == "failed", "the agent ends with a failure while the keyring is locked", end)?;
    let times = "systemctl --user show -P ExecMainStartTimestampMonotonic intune-agent.service && \
                 systemctl --user show -P ActiveEnterTimestampMonotonic gnome-keyring-daemon.service";
    let times = machine.run(&in_session(times)).await?;
    let text = times.text();
    let microseconds: Vec<u64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let after = matches!(microseconds[..], [agent, keyring] if 0 < keyring && keyring <= agent);
    expect(after, "the agent begins after the keyring, both in microseconds since the boot", times)?;

    log_in(&*machine).await?;
    let again = systemd.wait_until(UNIT, "inactive", LIMIT).await;
    let result = machine.run(&in_session(&format!("systemctl --user show -P Result {UNIT}"))).await?;
    expect(
        again.is_ok() && result.text() == "success",
        "after the login the agent runs again, and well",
        result,
    )
}

/// How the agent's run ends that a command brings about, if it does in time.
pub async fn end_of_run(
    machine: &dyn Machine,
    systemd: &Systemd,
    command: &str,
) -> Result<Option<String>, MachineError> {
    let (begun, end) = tokio::join!(machine.succeed(command), systemd.end_of_job(UNIT, LIMIT));
    begun?;
    end
}
