//! The agent, when its timer fires before anybody has logged in.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::in_session;
use super::login::{first_log_in, log_in};
use crate::omarchy::{document, within};

pub const UNIT: &str = "intune-agent.service";

/// Of the user's own units.
pub const SERVICE: &str = "/home/user/.config/systemd/user/intune-agent.service";

const KEYRING: &str = "gnome-keyring-daemon.service";

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
        edits: &[Edit::Replace {
            path: SERVICE,
            from: "After=graphical-session.target gnome-keyring-daemon.service\n",
            to: "",
        }],
    }],
};

async fn agent_before_unlock(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    first_log_in(&*machine).await?;
    // A keyring that takes its time, so that who does not wait for it is seen not to.
    let slow = "mkdir -p /run/user/1000/systemd/user/gnome-keyring-daemon.service.d && \
                printf '[Service]\\nExecStartPre=sleep 5\\n' \
                >/run/user/1000/systemd/user/gnome-keyring-daemon.service.d/slow.conf && \
                systemctl --user daemon-reload";
    machine.succeed(&in_session(slow)).await?;
    machine.succeed(&in_session(&format!("systemctl --user start --no-block {UNIT}"))).await?;
    let begins = in_session(&format!(
        "test \"$(systemctl --user show -P ExecMainStartTimestampMonotonic {UNIT})\" != 0"
    ));
    let begun = within(&*machine, 60, &begins).await?;
    expect(begun, "the agent runs when the keyring is there", "it did not begin within 60 s")?;
    let keyring = machine.run(&in_session(&format!("systemctl --user is-active {KEYRING}"))).await?;
    expect(
        keyring.text() == "active",
        "the agent begins after the keyring",
        format!("the keyring is {keyring}"),
    )?;

    let ends = in_session(&format!("test \"$(systemctl --user show -P Result {UNIT})\" = exit-code"));
    let ended = within(&*machine, 120, &ends).await?;
    expect(ended, "the agent ends while the keyring is locked", "it hangs")?;
    log_in(&*machine).await?;
    let reports = in_session(&format!(
        "test \"$(systemctl --user show -P Result -P ActiveState {UNIT} | tr '\\n' ' ')\" = 'success inactive '"
    ));
    let reported = within(&*machine, 180, &reports).await?;
    let state =
        machine.run(&in_session(&format!("systemctl --user status --no-pager --lines=10 {UNIT}"))).await?;
    expect(reported, "within 3 min of the login the agent has run well", state)
}
