//! The timer that runs the agent.

use std::path::Path;
use std::time::Duration;

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Stop, Touches, Trial, expect};

use super::agent::{LIMIT, SERVICE, UNIT, end_of_run};
use super::login::logged_in;
use super::{SESSION_BUS, THE_USER, in_session};
use crate::omarchy::document;

const TIMER: &str = "/home/user/.config/systemd/user/intune-agent.timer";

pub const TIMER_BUS_ADDRESS: Check = Check {
    invariant: Invariant {
        id: "session.timer-bus-address",
        level: Level::Must,
        statement: "The agent run by the user timer reaches the session bus (DBUS_SESSION_BUS_ADDRESS=unix:path=%t/bus).",
        source: document("Race Conditions and Mitigations, 3"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(timer_bus_address(trial)),
    mutants: &[Mutant {
        name: "variable missing",
        stage: None,
        boots: false,
        edits: &[Edit::Replace {
            path: SERVICE,
            from: "Environment=DBUS_SESSION_BUS_ADDRESS=unix:path=%t/bus\n",
            to: "",
        }],
    }],
};

async fn timer_bus_address(trial: &Trial) -> Outcome {
    let machine = logged_in(trial).await?;
    // What a timer runs has nothing of the session but what its unit says.
    let bare = format!(
        "systemctl --user unset-environment DBUS_SESSION_BUS_ADDRESS && systemctl --user stop {UNIT}"
    );
    machine.succeed(&in_session(&bare)).await?;
    let soon = Path::new("/run/systemd/user/intune-agent.timer.d/soon.conf");
    // Not up to a minute later, as timers may be.
    machine.write(soon, b"[Timer]\nOnActiveSec=1s\nAccuracySec=1ms\n", 0o644).await?;

    let systemd = machine.bus(SESSION_BUS, THE_USER).await?.systemd().await?;
    let restart = in_session("systemctl --user daemon-reload && systemctl --user restart intune-agent.timer");
    let end = end_of_run(&*machine, &systemd, &restart).await?;
    let well = end.as_deref() == Some("done");
    let observed = end.map_or_else(|| format!("none in {LIMIT:?}"), |end| format!("it ended with {end}"));
    expect(well, "a run of the timer's that reaches the keyring over the session bus", observed)
}

pub const AGENT_SCHEDULE: Check = Check {
    invariant: Invariant {
        id: "session.agent-schedule",
        level: Level::Must,
        statement: "intune-agent.timer is enabled, fires at start-up and hourly (seen over three hours of virtual time).",
        source: document("Phase 7, 7.2"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(agent_schedule(trial)),
    mutants: &[
        Mutant {
            name: "timer disabled",
            stage: None,
            boots: false,
            edits: &[Edit::Remove {
                path: "/home/user/.config/systemd/user/timers.target.wants/intune-agent.timer",
            }],
        },
        Mutant {
            name: "daily",
            stage: None,
            boots: false,
            edits: &[Edit::Replace { path: TIMER, from: "OnUnitActiveSec=1h", to: "OnUnitActiveSec=1d" }],
        },
    ],
};

const MINUTE: Duration = Duration::from_secs(60);

async fn agent_schedule(trial: &Trial) -> Outcome {
    // What the agent does is not decided here, and whether it does it well: it is given nothing to do.
    let idle = Path::new("/etc/systemd/user/intune-agent.service.d/idle.conf");
    let machine = trial.time_lapse()?.machine().await?;
    machine.write(idle, b"[Service]\nExecStart=\nExecStart=/bin/true\nRestart=no\n", 0o644).await?;
    // The user's manager starts at every boot, because the user lingers.
    machine.succeed("systemctl restart user@1000.service").await?;

    let started = machine.lapse(10 * MINUTE).await?;
    let first = runs(&*machine).await?;
    expect(first == 1, "the agent has run once 10 min after the manager's start", format!("{first} times"))?;
    for hour in 1..=3 {
        machine.lapse_until(started + 60 * hour * MINUTE).await?;
        let ran = runs(&*machine).await?;
        expect(ran == 1 + hour, format!("{} times {hour} h later", 1 + hour), format!("{ran} times"))?;
    }
    Ok(())
}

/// Prints how often the service manager has started the agent, by the messages that say so.
const RUNS: &str = "journalctl --merge --quiet --output=cat USER_UNIT=intune-agent.service \
                    MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5 | wc -l";

async fn runs(machine: &dyn Machine) -> Result<u32, Stop> {
    let counted = machine.succeed(RUNS).await?;
    counted.parse().map_err(|_| Stop::Broken(format!("runs of the agent: {counted:?}")))
}
