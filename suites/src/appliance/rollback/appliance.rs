//! A machine of the target, asked and told in the terms of the document.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use harness::lab::{self, Drives};
use harness::machine::{programs, quoted};
use harness::{Machine, MachineError, Outcome, Output, Stop, Trial, expect, violated};

use super::journal::Said;
use super::settings::{Rollback, rollback};
use super::state::State;
use super::timer;

/// How long the guest may take for what has no documented limit, such as to build and to activate.
const SOON: Duration = Duration::from_secs(120);

/// How long a command may take that builds or activates before it ends, on a host that has other things to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// Longer than anything that is under way takes without waiting, in guest time.
pub const MOMENT: Duration = Duration::from_secs(10);

/// How much time passes between two looks.
const STEP: Duration = Duration::from_secs(1);

/// Where the journal was when it had been read.
const CURSOR: &str = "/run/assay-cursor";

pub struct Appliance {
    pub machine: Arc<dyn Machine>,
    pub rollback: Arc<Rollback>,
    /// How late the timer of its watchdog may be.
    slack: Duration,
}

impl Appliance {
    /// One that runs the system that it boots by default.
    pub async fn fresh(trial: &Trial) -> Result<Appliance, Stop> {
        let rollback = rollback(trial)?;
        // All are alike in this, so one is looked at.
        let slack = trial.shared(None, Slack, |trial| Box::pin(slack(trial))).await?;
        Ok(Appliance { machine: trial.waiting_machine().await?, rollback, slack })
    }

    /// One on which a rebuild is pending whose system has been activated, and what it was before.
    pub async fn pending(trial: &Trial, flake: &str) -> Result<(Appliance, State), Stop> {
        let appliance = Appliance::fresh(trial).await?;
        let before = appliance.rebuilds(flake).await?;
        Ok((appliance, before))
    }

    pub async fn lapse_until(&self, uptime: Duration) -> Result<(), MachineError> {
        self.machine.lapse_until(uptime).await.map(drop)
    }

    /// Shuts it down in an orderly way and boots it again.
    pub async fn reboots(&self, trial: &Trial) -> Result<Appliance, Stop> {
        let machine = trial.reboot(&*self.machine, Drives::Plugged).await?;
        self.booted(machine).await
    }

    /// Boots it again after its power was cut.
    pub async fn boots_again(&self, trial: &Trial) -> Result<Appliance, Stop> {
        let machine = trial.power_on_again(&*self.machine, Drives::Plugged).await?;
        self.booted(machine).await
    }

    /// A crash on the way is what it is tested for, and no failure of the harness. Merely taking too long may be one.
    async fn booted(&self, machine: Arc<dyn Machine>) -> Result<Appliance, Stop> {
        match lab::booted(&*machine).await {
            Ok(()) => Ok(Appliance { machine, rollback: self.rollback.clone(), slack: self.slack }),
            Err(error @ MachineError::Crashed { .. }) => violated("it boots", error),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Slack;

/// How late the timer of its watchdog may be, on a machine that has all that its own programs need.
async fn slack(trial: &Trial) -> Result<Duration, Stop> {
    let (machine, rollback) = (trial.waiting_machine().await?, rollback(trial)?);
    let order: Vec<&str> = rollback.order.split_whitespace().take(1).collect();
    let units = [rollback.agent.as_str(), &rollback.watchdog];
    match programs::missing(&*machine, &units, &order).await? {
        Some(missing) => Err(Stop::Broken(missing.to_string())),
        None => Ok(timer::lateness(&*machine, &rollback.watchdog).await?),
    }
}

impl Appliance {
    /// Has a rebuild ordered and its system activated, and gives what it was before.
    pub async fn rebuilds(&self, flake: &str) -> Result<State, Stop> {
        let before = self.state().await?;
        self.accepts(flake).await?;
        self.activates(&before).await?;
        Ok(before)
    }

    /// Ends it before its check does: a machine whose clock is held keeps one of the host's processors busy.
    pub async fn is_done_with(&self) {
        self.machine.end().await;
    }

    pub async fn order(&self, flake: &str) -> Result<Output, Stop> {
        let ordered = self.machine.run_within(&self.order_of(flake), PATIENCE).await?;
        let said = String::from_utf8_lossy(&ordered.stderr);
        match programs::missing_by(&*self.machine, &said).await? {
            Some(missing) if !ordered.success() => Err(Stop::Broken(missing.to_string())),
            _ => Ok(ordered),
        }
    }

    /// The shell command that gives an order.
    pub fn order_of(&self, flake: &str) -> String {
        format!("{} {}", self.rollback.order, quoted(flake))
    }

    pub async fn accepts(&self, flake: &str) -> Outcome {
        let ordered = self.order(flake).await?;
        expect(ordered.success(), format!("the order of {flake} is taken"), ordered)
    }

    /// Waits until another system runs than before, and all that its activation starts has been started.
    pub async fn activates(&self, before: &State) -> Outcome {
        self.soon("another system runs", &format!("! {}", self.runs(before))).await?;
        // An activation has moments with no job, and whose process it is nobody documents.
        Ok(self.lapse(MOMENT).await?)
    }

    /// Waits until the agent says that the new system is healthy.
    pub async fn verifies(&self) -> Outcome {
        let flag = quoted(&self.rollback.verified.to_string_lossy());
        self.soon("the agent verifies the new system", &format!("[ -e {flag} ]")).await
    }

    /// Waits until the agent runs that was started after this one. It may have been started before what it asks, have
    /// failed, and wait to be started again.
    pub async fn restarts(&self, old: &Agent) -> Outcome {
        let (agent, invocation) = (&self.rollback.agent, quoted(&old.invocation));
        let holds = format!(
            "systemctl is-active --quiet {agent} && [ \"$(systemctl show -P InvocationID {agent})\" != {invocation} ]"
        );
        self.soon("the agent has been restarted and runs", &holds).await
    }

    /// Expects that the agent's unit is that of the system that runs, and not only the link to the system another's. A
    /// unit that lies beside all systems is that of each.
    pub async fn has_its_units(&self) -> Outcome {
        let agent = quoted(&self.rollback.agent);
        let asked = format!(
            "readlink -f \"$(systemctl show -P FragmentPath {agent})\"; \
             readlink -f /run/current-system/etc/systemd/system/{agent}"
        );
        let answer = self.machine.run(&asked).await?.text();
        let (loaded, its) = answer.split_once('\n').unwrap_or((&answer, ""));
        let right = loaded == its || !loaded.starts_with("/nix/store/");
        expect(right, format!("{} is that of the system that runs: {its}", self.rollback.agent), loaded)
    }

    /// Lets time pass until a shell command finds it to be so.
    pub async fn soon(&self, what: &str, holds: &str) -> Outcome {
        let deadline = self.uptime().await? + SOON;
        while !self.machine.run(holds).await?.success() {
            if self.uptime().await? > deadline {
                return violated(what, format!("not within {} s: {}", SOON.as_secs(), self.state().await?));
            }
            self.lapse(STEP).await?;
        }
        Ok(())
    }

    /// A shell command that finds the same system running as at that moment.
    pub fn runs(&self, state: &State) -> String {
        format!("[ \"$(readlink /run/current-system)\" = {} ]", quoted(&state.current))
    }

    /// A shell command that finds nothing pending.
    pub fn no_marker(&self) -> String {
        format!("[ ! -e {} ]", quoted(&self.rollback.marker.to_string_lossy()))
    }

    /// Has the watchdog run now.
    pub async fn watch(&self) -> Result<Output, MachineError> {
        self.machine.run_within(&format!("systemctl start {}", self.rollback.watchdog), PATIENCE).await
    }

    /// What the watchdog itself has logged.
    pub async fn said(&self) -> Result<Vec<Said>, MachineError> {
        let watchdog = &self.rollback.watchdog;
        let asked = format!(
            "cursor=$(cat {CURSOR} 2>/dev/null); journalctl --merge --quiet --output=json --lines=500 \
             --output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,_TRANSPORT \
             ${{cursor:+--after-cursor=\"$cursor\"}} {} + _TRANSPORT=syslog",
            quoted(&format!("_SYSTEMD_UNIT={watchdog}")),
        );
        Ok(Said::read(&self.machine.succeed(&asked).await?, watchdog))
    }

    /// Whether this asks for a person.
    pub fn asks_for_help(&self, said: &[Said]) -> bool {
        let help = self.rollback.help.to_lowercase();
        said.iter().any(|said| said.text.to_lowercase().contains(&help))
    }

    /// From now on what it has said so far does not count.
    pub async fn forget_said(&self) -> Result<(), MachineError> {
        let read = format!("rm -f {CURSOR}; journalctl --merge --lines=1 --cursor-file={CURSOR}");
        self.machine.succeed(&read).await.map(drop)
    }

    pub async fn agent(&self) -> Result<Agent, MachineError> {
        let asked =
            format!("systemctl show --property=ActiveState,InvocationID --value {}", self.rollback.agent);
        let answer = self.machine.succeed(&asked).await?;
        let (state, invocation) = answer.split_once('\n').unwrap_or((&answer, ""));
        Ok(Agent { state: state.to_owned(), invocation: invocation.to_owned() })
    }

    pub fn limit(&self) -> Duration {
        Duration::from_secs(self.rollback.limit)
    }

    /// One period of the timer, as late as that may be, with what a run of the watchdog takes.
    pub fn period(&self) -> Duration {
        let period = Duration::from_secs(self.rollback.period);
        period + self.slack.min(period) + Duration::from_secs(self.rollback.grace)
    }

    pub async fn uptime(&self) -> Result<Duration, MachineError> {
        self.machine.uptime().await
    }

    pub async fn lapse(&self, time: Duration) -> Result<(), MachineError> {
        self.machine.lapse(time).await.map(drop)
    }

    /// Lets so much time pass that whatever is pending must have ended.
    pub async fn lapse_past_limit(&self) -> Result<(), MachineError> {
        self.lapse(self.limit() + self.period()).await
    }

    /// Has the watchdog run, and kills it in the middle of what it does.
    pub async fn kill_watchdog(&self, after: Duration) -> Result<(), MachineError> {
        let (watchdog, after) = (&self.rollback.watchdog, after.as_secs_f64());
        let kill = format!(
            "systemctl start --no-block {watchdog}; sleep {after}; systemctl kill --signal=KILL {watchdog}"
        );
        self.machine.run(&kill).await.map(drop)
    }

    /// Leaves a bare flag of verification, as one that is left over would be.
    pub async fn flag(&self) -> Result<(), MachineError> {
        self.machine.write(&self.rollback.verified, b"", 0o644).await
    }

    pub async fn write_marker(&self, content: &str) -> Result<(), MachineError> {
        self.machine.write(&self.rollback.marker, content.as_bytes(), 0o644).await
    }

    pub async fn state(&self) -> Result<State, Stop> {
        State::of(&*self.machine, &self.rollback).await
    }

    /// Expects that it is as it was then.
    pub async fn is_as(&self, before: &State, expected: impl fmt::Display) -> Outcome {
        let changes = self.state().await?.changes_since(before, &self.rollback);
        expect(changes.is_empty(), expected, changes.join(", "))
    }
}

/// What systemd says of the agent.
#[derive(Debug)]
pub struct Agent {
    /// `active`, `failed`, ….
    pub state: String,
    /// Names one start of it.
    pub invocation: String,
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the agent is {}, invocation {}", self.state, self.invocation)
    }
}
