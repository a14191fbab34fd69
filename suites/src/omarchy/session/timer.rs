//! The timer that runs the agent.

use std::path::Path;
use std::time::Duration;

use harness::fault::Step;
use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect, violated};

use super::agent::{LIMIT, end_of_run};
use super::login::logged_in;
use super::session_bus;
use crate::omarchy::process::{START_LIMIT, begun, keep_the_agent};
use crate::omarchy::settings::{Omarchy, Units, omarchy};
use crate::omarchy::{document, limit, unit};

pub fn timer_bus_address(omarchy: &Omarchy) -> Check {
    let service = omarchy.unit_file(&omarchy.unit.agent);
    Check::must(
        "session.timer-bus-address",
        document("Race Conditions and Mitigations, 3"),
        "The agent run by the user timer reaches the session bus \
         (DBUS_SESSION_BUS_ADDRESS=unix:path=%t/bus).",
        timer_bus_address_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant(
        "variable missing",
        [Edit::replace(service, "Environment=DBUS_SESSION_BUS_ADDRESS=unix:path=%t/bus\n", "")],
    )
}

async fn timer_bus_address_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, logged_in(trial).await?);
    // What a timer runs has nothing of the session but what its unit says.
    let unset = omarchy.in_session("systemctl --user unset-environment DBUS_SESSION_BUS_ADDRESS");
    machine.succeed(&unset).await?;
    let fire = fire(&*machine, &omarchy).await?;
    let systemd = session_bus(&machine, &omarchy).await?.systemd().await?;
    let end = end_of_run(&*machine, &omarchy, &systemd, &fire).await?;
    let well = end.as_deref() == Some("done");
    let observed = end.map_or_else(|| format!("none in {LIMIT:?}"), |end| format!("it ended with {end}"));
    expect(well, "a run of the timer's that reaches the keyring over the session bus", observed)
}

/// Has the timer start an agent that stays, and waits until it has begun.
pub async fn starts_an_agent_that_stays(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    keep_the_agent(machine, omarchy).await?;
    let begun = omarchy.in_session(&begun(&omarchy.unit.agent));
    let fire = format!("{} && {begun}", fire(machine, omarchy).await?);
    let fired = machine.run_within(&fire, limit(START_LIMIT)).await?;
    expect(fired.success(), format!("the timer starts the agent within {START_LIMIT} s"), fired)
}

/// Ends a run of the agent's, and makes the timer one that has it run in a second: not up to a minute later, as timers
/// may, and not at random. Gives the shell command that begins it.
async fn fire(machine: &dyn Machine, omarchy: &Omarchy) -> Result<String, Stop> {
    let Units { agent, timer, .. } = &omarchy.unit;
    let soon = format!("/run/systemd/user/{timer}.d/zz-assay-soon.conf");
    let now = b"[Timer]\nOnActiveSec=1s\nAccuracySec=1ms\nRandomizedDelaySec=0\n";
    machine.write(Path::new(&soon), now, 0o644).await?;
    let stopped = machine.run(&omarchy.in_session(&format!("systemctl --user stop {agent}"))).await?;
    expect(stopped.success(), format!("the user has a unit {agent}"), stopped)?;
    let restart = format!("systemctl --user daemon-reload && systemctl --user restart {timer}");
    Ok(omarchy.in_session(&restart))
}

pub fn agent_schedule(omarchy: &Omarchy) -> Check {
    let unit = &omarchy.unit.timer;
    let (timer, wanted) =
        (omarchy.unit_file(unit), omarchy.unit_file(&format!("timers.target.wants/{unit}")));
    Check::must(
        "session.agent-schedule",
        document("Phase 7, 7.2"),
        format!("{unit} is enabled, fires at start-up and hourly (seen over three hours of virtual time)."),
        agent_schedule_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant("timer disabled", [Edit::remove(wanted)])
    .mutant(
        "hourly without a run at start-up",
        [Edit::replace(timer.clone(), "OnStartupSec=1min\nOnUnitActiveSec=1h", "OnCalendar=hourly")],
    )
    .mutant(
        "a random delay of a day",
        [Edit::replace(timer.clone(), "OnUnitActiveSec=1h", "OnUnitActiveSec=1h\nRandomizedDelaySec=1d")],
    )
    .mutant("daily", [Edit::replace(timer, "OnUnitActiveSec=1h", "OnUnitActiveSec=1d")])
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What the first run may take after the start, in which much else is started.
const START_UP: Duration = Duration::from_secs(600);

async fn agent_schedule_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.time_lapse()?.machine().await?);
    // What the agent does is not decided here, and whether it does it well: it tells when it runs.
    let tells = format!("/etc/systemd/user/{}.d/zz-assay-tells.conf", omarchy.unit.agent);
    machine.write(Path::new(&tells), TELLS, 0o644).await?;
    // Not just before a full hour: who runs then may not do so because of the start.
    let second = machine.succeed("date +%s").await?;
    let second: u64 = second.parse().map_err(|_| Stop::Broken(format!("the guest's time: {second:?}")))?;
    let quarter_past = Duration::from_secs((HOUR.as_secs() + 900 - second % HOUR.as_secs()) % HOUR.as_secs());
    machine.step_clock(Step::Forward(quarter_past)).await?;
    // The user's manager starts at every boot, because the user lingers.
    let restarted = machine.run(&format!("systemctl restart {}", omarchy.manager())).await?;
    expect(restarted.success(), "the user's service manager starts", restarted)?;

    let begun = machine.uptime().await?;
    let slack = slack(&*machine, &omarchy).await?;
    expect(slack < HOUR, "the timer is late by less than an hour", format!("by up to {slack:?}"))?;
    machine.lapse_until(begun + START_UP + slack).await?;
    let Some(first) = runs(&*machine).await?.first().copied() else {
        let within = format!("{START_UP:?}, with the timer's own slack of {slack:?}");
        return violated(format!("the agent runs after the manager's start, within {within}"), "it does not");
    };
    machine.lapse_until(first + 3 * (HOUR + slack + MINUTE)).await?;
    let runs = runs(&*machine).await?;
    let expected = format!("the agent then runs every hour, give or take the timer's own slack of {slack:?}");
    expect(are_hourly(&runs, slack), expected, format!("it runs {}", minutes(&runs)))
}

/// What the agent runs in that has nothing to do but to tell when.
const TELLS: &[u8] =
    b"[Service]\nExecCondition=\nExecStartPre=\nExecStart=\nExecStart=/usr/bin/cat /proc/uptime\n\
    StandardOutput=journal\nSyslogIdentifier=assay-agent-runs\nRestart=no\n";

/// How much later than it says the timer may fire, by what it says itself.
async fn slack(machine: &dyn Machine, omarchy: &Omarchy) -> Result<Duration, Stop> {
    let timer = &omarchy.unit.timer;
    let ask = format!(
        "busctl --user get-property org.freedesktop.systemd1 {} org.freedesktop.systemd1.Timer \
         AccuracyUSec RandomizedDelayUSec",
        unit::object(timer)
    );
    let told = machine.succeed(&omarchy.in_session(&ask)).await?;
    let microseconds = told.lines().map(|line| line.strip_prefix("t ")?.parse().ok());
    match microseconds.collect::<Option<Vec<u64>>>().as_deref() {
        Some(&[accuracy, delay]) => Ok(Duration::from_micros(accuracy.saturating_add(delay))),
        _ => Err(Stop::Broken(format!("the slack of {timer}: {told:?}"))),
    }
}

/// When the agent has run, by how long the machine had been up.
async fn runs(machine: &dyn Machine) -> Result<Vec<Duration>, Stop> {
    const TOLD: &str = "journalctl --merge --quiet --output=cat SYSLOG_IDENTIFIER=assay-agent-runs";
    let told = machine.succeed(TOLD).await?;
    let seconds = |line: &str| line.split(' ').next()?.parse().ok();
    let runs = told.lines().map(|line| Duration::try_from_secs_f64(seconds(line)?).ok());
    runs.collect::<Option<_>>().ok_or_else(|| Stop::Broken(format!("runs of the agent: {told:?}")))
}

/// Whether there were runs an hour apart for three hours. After the first, which is the start's, the next may come any
/// time within the hour: a timer can go by the clock.
fn are_hourly(runs: &[Duration], slack: Duration) -> bool {
    let slack = slack + MINUTE;
    let gaps: Vec<Duration> = runs.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    gaps.len() >= 3
        && gaps.iter().all(|gap| *gap <= HOUR + slack)
        && gaps[1..].iter().all(|gap| *gap >= HOUR.saturating_sub(slack))
}

/// For people.
fn minutes(runs: &[Duration]) -> String {
    let minutes: Vec<String> = runs.iter().take(10).map(|run| (run.as_secs() / 60).to_string()).collect();
    let more = if runs.len() > minutes.len() { ", …" } else { "" };
    format!("{} times, {}{more} min after the boot", runs.len(), minutes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Duration, HOUR, MINUTE, are_hourly, minutes};

    fn runs(minutes: &[u32]) -> Vec<Duration> {
        minutes.iter().map(|minute| *minute * MINUTE).collect()
    }

    #[test]
    fn an_hour_apart_is_hourly_by_the_clock_or_since_the_last_and_within_the_slack() {
        let exact = MINUTE;
        assert!(are_hourly(&runs(&[2, 62, 122, 182]), exact));
        assert!(are_hourly(&runs(&[2, 45, 105, 165]), exact));
        assert!(are_hourly(&runs(&[17, 86, 146, 216]), 12 * MINUTE));
        assert!(are_hourly(&runs(&[5, 75, 115, 195]), 20 * MINUTE));
    }

    #[test]
    fn another_period_is_not() {
        let exact = MINUTE;
        assert!(!are_hourly(&runs(&[2]), exact));
        assert!(!are_hourly(&runs(&[2, 62, 122]), exact));
        assert!(!are_hourly(&runs(&[2, 62, 122, 190]), exact));
        assert!(!are_hourly(&runs(&[2, 32, 62, 92, 122, 152, 182]), exact));
        assert!(!are_hourly(&runs(&[2, 72, 132, 192]), exact));
        assert!(!are_hourly(&runs(&[0, 10, 20, 30, 40]), HOUR / 3));
    }

    #[test]
    fn runs_are_told_in_minutes() {
        assert_eq!(minutes(&runs(&[2, 62])), "2 times, 2, 62 min after the boot");
    }
}
