//! What a check gets: machines of the target, and a record of everything it does to them.

mod machines;
mod prepared;

use std::any::Any;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use proptest::strategy::Strategy;
use tokio::time::Instant;

pub use machines::Machines;
pub use prepared::Prepared;

use image::cache::Cache;
use lab::Settings;
use lab::provision::Plan;
use lab::{Drives, Lab, Provisioning, Remote, timed};
use machine::qemu::Clock;
use machine::{Granted, Machine, declared};
use record::event::Event;
use record::{Evidence, MachineError, Need, Outcome, Stop, Text, Transcript};

use crate::Check;
use crate::property::{self, Found, Seed};
use crate::replay::{self, Replay};

/// How long a machine may take to tell its journal after a check.
const JOURNAL_LIMIT: Duration = Duration::from_secs(20);

/// How much of a machine's journal is kept, in lines: the newest.
const JOURNAL_LINES: u32 = 400;

/// One try of one check.
pub struct Trial {
    lab: Arc<Lab>,
    transcript: Transcript,
    machines: Mutex<Vec<Arc<dyn Machine>>>,
    seed: Seed,
    random: AtomicBool,
    /// When it began, or its newest random case did.
    last_progress: Mutex<Instant>,
    simplifications: u32,
    variant: Option<Text>,
    needs: Arc<[Need]>,
    replay: Option<Replay>,
}

impl Trial {
    /// A violation found with random choices is made simpler at most this many times.
    pub fn new(lab: Arc<Lab>, check: &Check, seed: Seed, simplifications: u32) -> Trial {
        Trial {
            variant: check.invariant.variant.clone(),
            needs: check.needs.clone().into(),
            ..Trial::with(lab, Transcript::default(), seed, simplifications)
        }
    }

    /// What is done to a machine that somebody works in by hand.
    pub fn by_hand(lab: Arc<Lab>) -> Trial {
        Trial { needs: Need::ALL.into(), ..Trial::with(lab, Transcript::default(), Seed::random(), 0) }
    }

    fn with(lab: Arc<Lab>, transcript: Transcript, seed: Seed, simplifications: u32) -> Trial {
        Trial {
            lab,
            variant: None,
            needs: Arc::default(),
            transcript,
            machines: Mutex::default(),
            seed,
            random: AtomicBool::new(false),
            last_progress: Mutex::new(Instant::now()),
            simplifications,
            replay: None,
        }
    }

    /// A trial of the same target whose machines and transcript are its own.
    fn apart(&self, transcript: Transcript) -> Trial {
        let apart = Trial::with(self.lab.clone(), transcript, self.seed, self.simplifications);
        Trial { variant: self.variant.clone(), needs: self.needs.clone(), ..apart }
    }

    /// Tries what was written down instead of random values.
    pub fn replaying(self, replay: Option<Replay>) -> Trial {
        Trial { replay, ..self }
    }

    /// The machines of one stage of the target.
    pub fn stage(&self, name: &str) -> Result<Machines<'_>, MachineError> {
        Ok(Machines { trial: self, stage: self.lab.stage(Some(name))?, clock: Clock::Real })
    }

    /// The kind of machine that the check decides about: of several that one which its variant names.
    pub fn subject(&self) -> Result<Machines<'_>, MachineError> {
        Ok(Machines { trial: self, stage: self.lab.stage(self.variant.as_deref())?, clock: Clock::Real })
    }

    /// Time-lapse machines: guest time passes when it is told to, and then faster than real time.
    pub fn time_lapse(&self) -> Result<Machines<'_>, MachineError> {
        self.subject()?.time_lapse()
    }

    /// A machine on which somebody waits: the shorter, where time can be let run ahead.
    pub async fn waiting_machine(&self) -> Result<Arc<dyn Machine>, MachineError> {
        if self.is_elsewhere() || self.lab.containers()?.is_some() {
            return self.machine().await;
        }
        let machines = self.subject()?;
        let clock = if machines.stage.has_time_lapse().is_ok() { Clock::Lapse } else { Clock::Real };
        Machines { clock, ..machines }.machine().await
    }

    /// What machines of a stage do when asked, or of that which the check is about: found out on a trial of its own, and
    /// once for all checks that ask.
    pub async fn shared<K, T>(
        &self,
        stage: Option<&str>,
        key: K,
        compute: impl for<'a> FnOnce(&'a Trial) -> BoxFuture<'a, Result<T, Stop>> + Send,
    ) -> Result<T, Stop>
    where
        K: Hash + Eq + Send + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let memo = self.lab.memo(stage.or(self.variant.as_deref()))?;
        let compute = async |seen: Transcript| {
            let apart = self.apart(seen);
            let found = compute(&apart).await;
            apart.end(found.is_err()).await;
            found
        };
        // In a box, because a trial within a trial makes a future of great depth.
        Box::pin(memo.shared(key, &self.transcript, compute)).await
    }

    /// Whether its machine is somebody's own, which no steps have made what it is.
    pub fn is_elsewhere(&self) -> bool {
        self.lab.remote().is_some()
    }

    pub fn target(&self) -> &str {
        self.lab.target()
    }

    /// What all checks of a run share that a suite makes of its settings: made when the first asks for it.
    pub fn kept<T, E>(&self, make: impl FnOnce(&Settings) -> Result<T, E>) -> Result<Arc<T>, Stop>
    where
        T: Any + Send + Sync,
        Stop: From<E>,
    {
        Ok(self.lab.kept().get(|| make(self.lab.settings()))?)
    }

    /// Where is kept what takes long to make.
    pub fn cache(&self) -> &Cache {
        self.lab.cache()
    }

    /// Does what comes before any check that needs it, and tells that it does.
    pub async fn preparing<T, E>(
        &self,
        what: &str,
        preparing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = std::time::Instant::now();
        let prepared = timed(self.lab.listener(), what.to_owned(), preparing).await;
        self.transcript.waited(began);
        prepared
    }

    /// Tells something that decides nothing.
    pub fn note(&self, text: String) {
        self.lab.listener().hear(&Event::Noted { text });
    }

    /// That the check has said that it needs this.
    pub fn may(&self, need: Need) -> Result<(), MachineError> {
        declared(&self.needs, need)
    }

    /// The steps that made the machine what it is.
    pub fn plan(&self) -> Result<&Plan, Stop> {
        Ok(self.provisioning()?.plan())
    }

    /// The machines before any step was run on them.
    pub fn unprovisioned(&self) -> Result<Machines<'_>, Stop> {
        Ok(Machines { trial: self, stage: self.provisioning()?.image(), clock: Clock::Real })
    }

    fn provisioning(&self) -> Result<&Provisioning, Stop> {
        if self.is_elsewhere() {
            return Err(Stop::Skipped(format!(
                "nobody knows here by which steps {} was made",
                self.target()
            )));
        }
        let stage = self.lab.stage(self.variant.as_deref())?;
        stage.provisioning().ok_or_else(|| Stop::Broken(format!("{} has no steps", stage.name())))
    }

    /// The variant of the target that the check is decided on, if there are several.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// A machine of the target, as provisioned, that has finished booting: a fork of a virtual one, a container, or the
    /// one that is somebody's own.
    pub async fn machine(&self) -> Result<Arc<dyn Machine>, MachineError> {
        if let Some(remote) = self.lab.remote() {
            return Ok(match self.running().pop() {
                Some(machine) => self.granted(machine),
                None => self.keep(remote.machine(&self.transcript).await?),
            });
        }
        match self.lab.containers()? {
            Some(containers) => Ok(self.keep(containers.start(&self.transcript).await?)),
            None => self.subject()?.machine().await,
        }
    }

    /// A fork of the provisioned machine, booted with no drive plugged in.
    pub async fn machine_without_drives(&self) -> Result<Arc<dyn Machine>, MachineError> {
        self.subject()?.machine_without_drives().await
    }

    /// A machine at the beginning of its boot.
    pub async fn power_on(&self, drives: Drives) -> Result<Arc<dyn Machine>, MachineError> {
        match self.lab.remote() {
            Some(remote) => self.boot_again(remote, drives).await,
            None => self.subject()?.power_on(drives).await,
        }
    }

    /// Reboots the one machine that there is, whose drives stay as they are.
    async fn boot_again(&self, remote: &Remote, drives: Drives) -> Result<Arc<dyn Machine>, MachineError> {
        self.may(Need::Boot)?;
        match drives {
            Drives::Plugged => Ok(self.keep(remote.reboot(&self.transcript).await?)),
            Drives::Absent => {
                let (machine, need) = (self.target().to_owned(), Need::Drives);
                Err(MachineError::Lacks { machine, need })
            }
        }
    }

    /// Shuts a machine down in an orderly way and powers it on again.
    pub async fn reboot(
        &self,
        machine: &dyn Machine,
        drives: Drives,
    ) -> Result<Arc<dyn Machine>, MachineError> {
        match self.lab.remote() {
            Some(remote) => self.boot_again(remote, drives).await,
            None => self.subject()?.reboot(machine, drives).await,
        }
    }

    /// Powers a machine on with the disk that another has left, however it ended.
    pub async fn power_on_again(
        &self,
        machine: &dyn Machine,
        drives: Drives,
    ) -> Result<Arc<dyn Machine>, MachineError> {
        self.subject()?.power_on_again(machine, drives).await
    }

    /// Tries a property for this many random values, one after the other.
    pub async fn for_all<S, F, Tried>(&self, cases: u32, strategy: S, property: F) -> Outcome
    where
        S: Strategy,
        S::Value: Clone,
        F: Fn(S::Value) -> Tried,
        Tried: Future<Output = Outcome>,
    {
        self.random.store(true, Ordering::Relaxed);
        let property = |value| self.on(|| property(value));
        property::for_all(self.seed, cases, self.simplifications, strategy, property).await
    }

    /// Whether a value that was written down is tried, and no other.
    pub fn is_replay(&self) -> bool {
        self.replay.is_some()
    }

    /// The same for values that can be written down. One that violates the property is kept in a file that is
    /// named after the check, and when such a file is to be replayed its value alone is tried.
    pub async fn for_all_kept<S, F, Tried>(
        &self,
        check: &str,
        cases: u32,
        strategy: S,
        property: F,
    ) -> Outcome
    where
        S: Strategy,
        S::Value: Clone + fmt::Display + FromStr<Err: fmt::Display>,
        F: Fn(S::Value) -> Tried,
        Tried: Future<Output = Outcome>,
    {
        if let Some(replay) = &self.replay {
            return property(replay.value()?).await;
        }
        self.random.store(true, Ordering::Relaxed);
        let property = |value| self.on(|| property(value));
        let found = property::search(self.seed, cases, self.simplifications, strategy, property).await?;
        let Some(Found { case, value, stop }) = found else { return Ok(()) };
        let place = format!("in case {case} of seed {}", self.seed);
        // A value on which a mutant fails is nothing to look into.
        let kept = (self.simplifications > 0).then(|| {
            replay::keep(&self.lab.cache().logs(), &format!("{check}-{}-{case}", self.seed), &value)
        });
        let again = match kept {
            Some(Ok(file)) => format!("kept for --replay in {}", file.display()),
            Some(Err(error)) => format!("which cannot be kept: {error}"),
            None => "which is not kept".to_owned(),
        };
        Err(stop.at(format!("{place}, {again}:\n{value}")))
    }

    /// When it began, or its newest random case did.
    pub(crate) fn last_progress(&self) -> Instant {
        *self.last_progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Begins a case.
    fn on<T>(&self, case: impl FnOnce() -> T) -> T {
        *self.last_progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Instant::now();
        case()
    }

    /// How much of the time since then it has waited for what is made once for all checks.
    pub(crate) fn time_waited(&self, since: std::time::Instant) -> Duration {
        self.transcript.time_waited(since)
    }

    /// Its machines so far, unless they have ended.
    pub fn running(&self) -> Vec<Arc<dyn Machine>> {
        self.lock().iter().filter(|machine| !machine.is_over()).cloned().collect()
    }

    /// The seed, if the check has made random choices.
    pub fn used_seed(&self) -> Option<Seed> {
        self.random.load(Ordering::Relaxed).then_some(self.seed)
    }

    /// What was seen, and ends the machines.
    pub async fn evidence(&self, with_journal: bool) -> Evidence {
        self.end(with_journal).await;
        Evidence::of(&self.transcript)
    }

    /// Ends the machines, when their journals have been read if those are wanted.
    async fn end(&self, with_journal: bool) {
        let machines = std::mem::take(&mut *self.lock());
        let ending = async {
            for machine in machines {
                if with_journal && let Some(journal) = journal(&*machine).await {
                    self.transcript.keep_journal(machine.name(), journal);
                }
                machine.end().await;
            }
        };
        self.transcript.unnoted(ending).await;
    }

    /// Holds a machine until the trial ends or it does: hundreds of random cases would hold the memory of all of theirs.
    /// The check gets it with no more than it has said that it needs.
    fn keep(&self, machine: impl Machine + 'static) -> Arc<dyn Machine> {
        let machine: Arc<dyn Machine> = Arc::new(machine);
        let mut machines = self.lock();
        machines.retain(|machine| !machine.is_over());
        machines.push(machine.clone());
        self.granted(machine)
    }

    fn granted(&self, machine: Arc<dyn Machine>) -> Arc<dyn Machine> {
        Arc::new(Granted::new(machine, self.needs.clone()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<dyn Machine>>> {
        self.machines.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The journal since the machine began, if it still answers. A fork has a machine id of its own, so its
/// journal is asked for by `--merge`.
async fn journal(machine: &dyn Machine) -> Option<String> {
    let since = machine.began().as_secs_f64();
    let command = format!(
        "journalctl --merge --no-pager --output=short-precise --lines={JOURNAL_LINES} --since=@{since:.3}"
    );
    let output = machine.run_within(&command, JOURNAL_LIMIT).await.ok()?;
    output.success().then(|| output.text())
}
