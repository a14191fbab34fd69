//! `assay run` and `assay prove`.

use std::num::NonZero;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use futures::FutureExt;
use record::event::{Case, Event, Listener};
use record::{Cut, Evidence, Invariant, MachineKind, Moment, Verdict};
use report::{self, Purpose, Record, Tee, Terminal};
use tokio::signal::unix::{SignalKind, signal};

use super::arguments::{Effort, Machine, Part, Prove, Run, Selection, Subject};
use super::failure::Failure;
use super::part::cut;
use super::print::word;
use super::reports::Reports;
use super::select::select;
use super::session::Session;
use crate::check::{Check, Suite};
use crate::panic::message;
use crate::property::Seed;
use crate::replay::Replay;
use crate::runner::{FailFast, Reproduce, Runner};

/// Checks the invariants of a target.
pub async fn run(options: Run, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    let reports = Reports { junit: options.junit, html: options.html, json: options.json };
    let repeat = options.repeat.get();
    let replay = options.replay.as_deref().map(Replay::load).transpose().map_err(Failure::usage)?;
    let job =
        Job::new(options.subject, &options.selection, &options.part, &options.effort, reports, catalogue)?;
    let job = Job { replay, fail_fast: options.fail_fast, ..job };
    job.go(Purpose::Run, async |runner, checks| runner.run(checks, repeat).await).await
}

/// Tries every mutant of the checks.
pub async fn prove(options: Prove, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    let reports = Reports { junit: None, html: options.html, json: options.json };
    let job =
        Job::new(options.subject, &options.selection, &options.part, &options.effort, reports, catalogue)?;
    job.session.can_be_broken()?;
    job.go(Purpose::Prove, async |runner, checks| runner.prove(checks).await).await
}

/// Checks to decide, everything about them known to be in order.
struct Job {
    subject: Subject,
    session: Session,
    checks: Vec<Check>,
    /// What the user should know before they run.
    notes: Vec<String>,
    cut: Option<Cut>,
    jobs: usize,
    quiet: bool,
    seed: Seed,
    replay: Option<Replay>,
    fail_fast: bool,
    reports: Reports,
}

impl Job {
    fn new(
        subject: Subject,
        selection: &Selection,
        part: &Part,
        effort: &Effort,
        reports: Reports,
        catalogue: &'static [Suite],
    ) -> Result<Job, Failure> {
        reports.check_writable()?;
        let mut session = Session::open(&subject, catalogue)?;
        let target = session.agenda.target.name.clone();
        let checks = select(&session.agenda.checks, &target, selection)?;
        let mut notes: Vec<String> = session.agenda.empty(catalogue).into_iter().collect();
        let (checks, cut) = cut(&target, checks, part)?;
        notes.extend(session.without_stages_for_others(&checks));
        let checks = session.in_order(checks);
        let jobs = effort.jobs.map_or_else(|| at_a_time(session.machine()), NonZero::get);
        let (quiet, seed) = (effort.quiet, seed()?);
        let (replay, fail_fast) = (None, false);
        Ok(Job { subject, session, checks, notes, cut, jobs, quiet, seed, replay, fail_fast, reports })
    }

    /// Prepares the target, does the work, writes the reports and tells the exit status.
    async fn go(self, purpose: Purpose, work: impl AsyncFnOnce(&Runner, &[Check])) -> Result<u8, Failure> {
        let began = Instant::now();
        let record = Arc::new(Record::new(purpose));
        let listeners: Vec<Arc<dyn Listener>> =
            vec![record.clone(), Arc::new(Terminal::stderr(purpose, self.quiet))];
        let listener: Arc<dyn Listener> = Arc::new(Tee::new(listeners));

        let working = async {
            self.tell_plan(purpose, &*listener);
            if self.checks.is_empty() {
                return Ok(());
            }
            let sources = self.session.sources(&self.checks, &listener).await?;
            let reproduce = reproducer(purpose, &self.subject);
            let (jobs, seed, replay) = (self.jobs, self.seed, self.replay.clone());
            let (fail_fast, listener) = (FailFast::new(self.fail_fast), listener.clone());
            let runner = Runner { sources, listener, jobs, seed, replay, fail_fast, reproduce };
            work(&runner, &self.checks).await;
            runner.sources.close().await;
            Ok(())
        };
        let done = tokio::select! {
            done = AssertUnwindSafe(working).catch_unwind() => match done {
                Ok(done) => done.map(|()| false),
                Err(panic) => Err(Failure::broken("go on, which is a fault of assay", message(&*panic))),
            },
            () = interrupted() => Ok(true),
        };
        let ended = |interrupted| Event::Ended { took: began.elapsed(), interrupted };
        match done {
            Ok(interrupted) => listener.hear(&ended(interrupted)),
            Err(failure) => {
                // The user is told once; the reports, which go by checks, tell it of each.
                let run = record.run();
                let undecided = run.undecided();
                for check in self.checks.iter().filter(|check| undecided.contains(&check.invariant.name())) {
                    record.hear(&Event::CheckEnded(Box::new(self.undecided(check, purpose, &failure))));
                }
                record.hear(&ended(false));
                if let Err(unwritten) = self.reports.write(&record.run(), self.session.agenda.maps.clone()) {
                    unwritten.tell();
                }
                return Err(failure);
            }
        }
        let run = record.run();
        self.reports.write(&run, self.session.agenda.maps)?;
        Ok(report::status(&run))
    }

    fn tell_plan(&self, purpose: Purpose, listener: &dyn Listener) {
        let (target, machine) = (self.session.agenda.target.name.clone(), self.session.machine());
        listener.hear(&Event::Planned { target, machine, checks: invariants(&self.checks) });
        let intentions = self.session.intentions(&self.checks, purpose == Purpose::Prove);
        let notes = self.notes.iter().cloned().chain(intentions);
        notes.for_each(|text| listener.hear(&Event::Noted { text }));
        self.cut.iter().for_each(|cut| listener.hear(&Event::Cut(cut.clone())));
        self.session.overlays().for_each(|digest| listener.hear(&Event::Overlaid { digest }));
    }

    /// What becomes of a check when there is nothing to decide it on.
    fn undecided(&self, check: &Check, purpose: Purpose, failure: &Failure) -> Case {
        Case {
            target: self.session.agenda.target.name.clone(),
            invariant: check.invariant.clone(),
            repetition: 1,
            verdict: Verdict::Broken { reason: failure.to_string() },
            evidence: Evidence::default(),
            began: Moment::now(),
            took: Duration::ZERO,
            reproduce: reproducer(purpose, &self.subject)(&check.invariant, None),
        }
    }
}

/// How many checks run at a time when nobody says.
fn at_a_time(machine: MachineKind) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    match machine {
        // Two wait, for their guests' clocks or for a template that another makes, while others keep processors busy.
        MachineKind::Vm | MachineKind::Image => processors + 2,
        // Most wait for time, which passes by itself.
        MachineKind::Container => 3 * processors,
        // It is somebody's, who may be working there.
        MachineKind::Ssh => 4,
    }
}

fn invariants(checks: &[Check]) -> Vec<Invariant> {
    checks.iter().map(|check| check.invariant.clone()).collect()
}

/// The seed that the user wants to see again, or a new one.
fn seed() -> Result<Seed, Failure> {
    let Some(text) = std::env::var_os("ASSAY_SEED") else { return Ok(Seed::random()) };
    text.to_str().and_then(Seed::parse).ok_or_else(|| {
        Failure::usage(format!("ASSAY_SEED is {text:?}: it must be up to 16 hexadecimal digits"))
    })
}

/// Waits for somebody to ask us to stop.
pub async fn interrupted() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let waiting = kinds.into_iter().map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signal) => signal.recv().await,
                Err(_) => std::future::pending().await,
            }
        })
    });
    futures::future::select_all(waiting).await;
}

/// The command that runs one check again.
fn reproducer(purpose: Purpose, subject: &Subject) -> Reproduce {
    let verb = match purpose {
        Purpose::Run => "run",
        Purpose::Prove => "prove",
    };
    let target = word(&subject.target);
    let overlays: Vec<String> =
        subject.overlays.iter().map(|directory| word(&directory.to_string_lossy())).collect();
    let mut options = String::new();
    if let Some(machine) = subject.machine.as_ref().filter(|machine| **machine != Machine::Vm) {
        options.push_str(&format!(" --machine {}", word(&machine.to_string())));
    }
    if let Some(allow) = subject.allow.and_then(|allow| allow.to_possible_value()) {
        options.push_str(&format!(" --allow {}", allow.get_name()));
    }
    if subject.without_corrections {
        options.push_str(" --without-corrections");
    }
    Box::new(move |invariant, seed| {
        let mut command = String::new();
        if let Some(seed) = seed {
            command.push_str(&format!("ASSAY_SEED={seed} "));
        }
        command.push_str(&format!("assay {verb} {target} --only {}{options}", invariant.name()));
        for directory in &overlays {
            command.push_str(&format!(" --overlay {directory}"));
        }
        command
    })
}
