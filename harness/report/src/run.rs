//! What was heard of one run, kept for the reports that are written at its end.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use record::event::{Case, Event, Kill, Listener};
use record::{Cut, Invariant, Laid, MachineKind, Moment};

/// What the run is for, which decides what it means that nothing was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Is the target what the documents promise?
    Run,
    /// Would the checks notice if it were not?
    Prove,
}

/// Everything the reports need to know of one run.
#[derive(Debug, Clone)]
pub struct Run {
    pub purpose: Purpose,
    /// The version of assay that ran it.
    pub assay: String,
    pub target: String,
    pub machine: MachineKind,
    /// The digests of what was laid over the target, in that order.
    pub overlays: Vec<String>,
    /// What each of them did there.
    pub laid: Vec<Laid>,
    /// None when everything that was selected is planned.
    pub cut: Option<Cut>,
    pub started: SystemTime,
    pub took: Duration,
    pub preparations: Vec<Preparation>,
    pub planned: Vec<Invariant>,
    pub cases: Vec<Case>,
    pub kills: Vec<Kill>,
    /// Also true when the end was never heard: whoever tells of the run died before it.
    pub interrupted: bool,
}

/// Something that was made before checks could begin, such as a template.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Preparation {
    pub what: String,
    pub began: Moment,
    /// Seconds. None when its end was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<f64>,
}

/// The listener that keeps a [`Run`].
pub struct Record(Mutex<Run>);

impl Record {
    pub fn new(purpose: Purpose) -> Self {
        Self(Mutex::new(Run::new(purpose)))
    }

    /// What was heard so far.
    pub fn run(&self) -> Run {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Run {
    /// A run that starts now and of which nothing was heard yet.
    pub fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            assay: env!("CARGO_PKG_VERSION").into(),
            target: String::new(),
            machine: MachineKind::default(),
            overlays: Vec::new(),
            laid: Vec::new(),
            cut: None,
            started: SystemTime::now(),
            took: Duration::ZERO,
            preparations: Vec::new(),
            planned: Vec::new(),
            cases: Vec::new(),
            kills: Vec::new(),
            interrupted: true,
        }
    }

    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Planned { target, machine, checks } => {
                self.target.clone_from(target);
                self.machine = *machine;
                self.planned.extend_from_slice(checks);
            }
            Event::Cut(cut) => self.cut = Some(cut.clone()),
            Event::Overlaid { digest } => self.overlays.push(digest.clone()),
            Event::Laid(laid) => self.laid.push(Laid::clone(laid)),
            Event::CheckEnded(case) => self.cases.push(Case::clone(case)),
            Event::MutantEnded(kill) => self.kills.push(Kill::clone(kill)),
            Event::Ended { took, interrupted } => {
                self.took = *took;
                self.interrupted = *interrupted;
            }
            Event::Preparing { what } => {
                self.preparations.push(Preparation { what: what.clone(), began: Moment::now(), took: None });
            }
            Event::Prepared { what, took } => {
                let known = self.preparations.iter_mut().rfind(|known| known.what == *what);
                known.into_iter().for_each(|known| known.took = Some(took.as_secs_f64()));
            }
            Event::Provisioned { .. } | Event::Noted { .. } | Event::CheckBegan { .. } => {}
        }
    }
}

impl Listener for Record {
    fn hear(&self, event: &Event) {
        self.lock().hear(&event.without_secrets());
    }
}
