//! A machine of the target, asked and told in the terms of the document.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use harness::lab::{self, Drives};
use harness::machine::qemu::Vm;
use harness::machine::quoted;
use harness::target::Rollback;
use harness::{Machine, MachineError, Outcome, Output, Stop, Trial, expect, violated};

use super::marker::{self, Marker};

/// How long the guest may take for what has no documented limit, such as to build and to activate.
const SOON: Duration = Duration::from_secs(120);

/// Longer than anything that is under way takes without waiting, in guest time.
pub const MOMENT: Duration = Duration::from_secs(10);

/// How much time passes between two looks.
const STEP: Duration = Duration::from_secs(1);

/// Where the journal was when it had been read.
const CURSOR: &str = "/run/assay-cursor";

/// Prints the system that the boot loader starts by default, from the files that it reads itself. The shell alone does
/// it: in an emulator that has just started, every other program takes a tenth of a second.
const BOOT_DEFAULT: &str = "\
    while read -r key entry; do [ \"$key\" != default ] || break; done </boot/loader/loader.conf; \
    while read -r key options; do [ \"$key\" != options ] || break; done <\"/boot/loader/entries/$entry\"; \
    options=${options#*init=}; echo \"${options%%/init*}\"";

/// On a virtual machine, or on any machine for what needs no more.
pub struct Appliance<'t, M: ?Sized = Vm> {
    pub machine: Arc<M>,
    pub rollback: &'t Rollback,
}

/// What an appliance is at, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The system that runs.
    pub current: String,
    /// The system that the boot loader starts next time.
    pub boot_default: String,
    pub verified: bool,
    /// The marker's content, when a rebuild is pending.
    pub marker: Option<String>,
}

impl<'t> Appliance<'t> {
    /// A fork that runs the system that it boots by default.
    pub async fn fork(trial: &'t Trial) -> Result<Appliance<'t>, Stop> {
        Ok(Appliance { machine: trial.time_lapse()?.machine().await?, rollback: trial.rollback()? })
    }

    /// A fork on which a rebuild is pending whose system has been activated, and what it was before.
    pub async fn pending(trial: &'t Trial, flake: &str) -> Result<(Appliance<'t>, State), Stop> {
        let appliance = Appliance::fork(trial).await?;
        let before = appliance.rebuilds(flake).await?;
        Ok((appliance, before))
    }

    pub async fn lapse_until(&self, uptime: Duration) -> Result<(), MachineError> {
        self.machine.lapse_until(uptime).await.map(drop)
    }

    /// Shuts it down in an orderly way and boots it again.
    pub async fn reboots(&self, trial: &'t Trial) -> Result<Appliance<'t>, Stop> {
        let machine = trial.time_lapse()?.reboot(&self.machine, Drives::Plugged).await?;
        self.booted(machine).await
    }

    /// Boots it again after its power was cut.
    pub async fn boots_again(&self, trial: &'t Trial) -> Result<Appliance<'t>, Stop> {
        let machine = trial.time_lapse()?.power_on_again(&self.machine, Drives::Plugged).await?;
        self.booted(machine).await
    }

    /// A crash on the way is what it is tested for, and no failure of the harness. Merely taking too long may be one.
    async fn booted(&self, machine: Arc<Vm>) -> Result<Appliance<'t>, Stop> {
        match lab::booted(&machine).await {
            Ok(()) => Ok(Appliance { machine, rollback: self.rollback }),
            Err(error @ MachineError::Crashed { .. }) => violated("it boots", error),
            Err(error) => Err(error.into()),
        }
    }
}

impl<'t> Appliance<'t, dyn Machine> {
    /// One that runs the system that it boots by default, on whatever machines the run is on.
    pub async fn anywhere(trial: &'t Trial) -> Result<Self, Stop> {
        Ok(Appliance { machine: trial.anywhere().await?, rollback: trial.rollback()? })
    }

    /// The same as `pending`, on whatever machines the run is on.
    pub async fn pending_anywhere(trial: &'t Trial, flake: &str) -> Result<(Self, State), Stop> {
        let appliance = Appliance::anywhere(trial).await?;
        let before = appliance.rebuilds(flake).await?;
        Ok((appliance, before))
    }
}

impl<M: Machine + ?Sized> Appliance<'_, M> {
    /// Has a rebuild ordered and its system activated, and gives what it was before.
    async fn rebuilds(&self, flake: &str) -> Result<State, Stop> {
        let before = self.state().await?;
        self.accepts(flake).await?;
        self.activates(&before).await?;
        Ok(before)
    }

    /// Ends it before its check does: a machine whose clock is held keeps one of the host's processors busy.
    pub async fn is_done_with(&self) {
        self.machine.end().await;
    }

    pub async fn order(&self, flake: &str) -> Result<Output, MachineError> {
        self.machine.run(&self.order_of(flake)).await
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
        self.machine.run(&format!("systemctl start {}", self.rollback.watchdog)).await
    }

    /// What the watchdog itself has logged, of this priority or worse.
    pub async fn said(&self, priority: &str) -> Result<String, MachineError> {
        let watchdog = &self.rollback.watchdog;
        let asked = format!(
            "cursor=$(cat {CURSOR} 2>/dev/null); journalctl --merge --quiet --output=cat --priority={priority} \
             ${{cursor:+--after-cursor=\"$cursor\"}} _SYSTEMD_UNIT={watchdog}"
        );
        self.machine.succeed(&asked).await
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

    /// One period of the timer, with what a run of the watchdog takes.
    pub fn period(&self) -> Duration {
        Duration::from_secs(self.rollback.period + self.rollback.grace)
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
        let marker = quoted(&self.rollback.marker.to_string_lossy());
        let verified = quoted(&self.rollback.verified.to_string_lossy());
        let asked = format!(
            "readlink /run/current-system; {BOOT_DEFAULT}; [ -e {verified} ] && echo yes || echo no; \
             [ ! -e {marker} ] || {{ echo pending; head -c {} {marker}; }}",
            marker::LIMIT,
        );
        let answer = self.machine.succeed(&asked).await?;
        let mut lines = answer.splitn(5, '\n');
        let mut line = || lines.next().map(str::to_owned);
        let (Some(current), Some(boot_default), Some(verified)) = (line(), line(), line()) else {
            return Err(Stop::Broken(format!("the state of the appliance cannot be read: {answer:?}")));
        };
        let marker = line().map(|_| line().unwrap_or_default());
        Ok(State { current, boot_default, verified: verified == "yes", marker })
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

impl State {
    pub fn marker(&self, rollback: &Rollback) -> Option<Marker> {
        self.marker.as_deref().map(|text| Marker::read(text, rollback))
    }

    /// Nothing is pending, and what runs is what boots.
    pub fn is_settled(&self) -> bool {
        self.marker.is_none() && self.current == self.boot_default
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs, {} boots by default", self.current, self.boot_default)?;
        match &self.marker {
            Some(marker) => write!(f, ", pending: {:?}", marker.trim_end())?,
            None => write!(f, ", nothing is pending")?,
        }
        if self.verified { write!(f, ", verified") } else { Ok(()) }
    }
}
