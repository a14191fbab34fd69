//! What happens during a run, told as it happens. Every report is made from these events alone.

use std::borrow::Cow;
use std::time::Duration;

use crate::secret::{self, HideSecrets};
use crate::{Cut, Evidence, Invariant, Laid, MachineKind, Moment, Verdict};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The checks that will run, in order.
    Planned {
        target: String,
        machine: MachineKind,
        checks: Vec<Invariant>,
    },
    /// The planned checks are only a shard of what was selected.
    Cut(Cut),
    /// Files of the user lie over the target: the digest of all of them.
    Overlaid {
        digest: String,
    },
    /// They were laid.
    Laid(Box<Laid>),
    /// Something that takes a while began, before any check: building, booting, provisioning.
    Preparing {
        what: String,
    },
    /// It ended well.
    Prepared {
        what: String,
        took: Duration,
    },
    /// A provisioning step ran.
    Provisioned {
        step: String,
        change: Change,
    },
    /// Something worth a line that decides nothing.
    Noted {
        text: String,
    },
    CheckBegan {
        /// Of the invariant.
        name: String,
        repetition: u32,
    },
    CheckEnded(Box<Case>),
    /// `prove` tried one mutant.
    MutantEnded(Box<Kill>),
    /// The run is over, or was interrupted.
    Ended {
        took: Duration,
        interrupted: bool,
    },
}

/// What a provisioning step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Applied,
    AlreadyThere,
}

/// One invariant, decided once on one target.
#[derive(Debug, Clone)]
pub struct Case {
    pub target: String,
    pub invariant: Invariant,
    /// Counts from 1 with `--repeat`.
    pub repetition: u32,
    pub verdict: Verdict,
    pub evidence: Evidence,
    pub began: Moment,
    pub took: Duration,
    /// One command that runs this check again.
    pub reproduce: String,
}

/// What a mutant did to its check.
#[derive(Debug, Clone)]
pub struct Kill {
    pub target: String,
    pub invariant: Invariant,
    pub mutant: String,
    pub fate: Fate,
    pub evidence: Evidence,
    pub began: Moment,
    pub took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "fate", rename_all = "lowercase")]
pub enum Fate {
    /// The check failed on the mutated target, as it must.
    Killed { observed: String },
    /// The check passed although the target was broken: it proves nothing.
    Survived,
    /// Neither: the check could not decide.
    Undecided { reason: String },
}

impl Fate {
    /// One word, as used in every report.
    pub fn word(&self) -> &'static str {
        match self {
            Fate::Killed { .. } => "killed",
            Fate::Survived => "survived",
            Fate::Undecided { .. } => "undecided",
        }
    }
}

impl Event {
    /// As every listener that shows or keeps events must take them: without secrets.
    pub fn without_secrets(&self) -> Cow<'_, Event> {
        if !secret::any_declared() {
            return Cow::Borrowed(self);
        }
        let mut event = self.clone();
        event.hide_secrets();
        Cow::Owned(event)
    }
}

// Every field is named below, so that a new one is not forgotten. What an invariant says is known to everybody.

impl HideSecrets for Event {
    fn hide_secrets(&mut self) {
        match self {
            Event::Planned { target: text, machine: _, checks: _ }
            | Event::Preparing { what: text }
            | Event::Prepared { what: text, took: _ }
            | Event::Provisioned { step: text, change: _ }
            | Event::Noted { text } => text.hide_secrets(),
            // Names are those of the catalogue.
            Event::Cut(Cut { shard: _, from: _ })
            | Event::Overlaid { digest: _ }
            | Event::CheckBegan { name: _, repetition: _ }
            | Event::Ended { took: _, interrupted: _ } => {}
            Event::Laid(laid) => laid.hide_secrets(),
            Event::CheckEnded(case) => case.hide_secrets(),
            Event::MutantEnded(kill) => kill.hide_secrets(),
        }
    }
}

impl HideSecrets for Case {
    fn hide_secrets(&mut self) {
        let Case { target, invariant: _, repetition: _, verdict, evidence, began: _, took: _, reproduce } =
            self;
        target.hide_secrets();
        verdict.hide_secrets();
        evidence.hide_secrets();
        reproduce.hide_secrets();
    }
}

impl HideSecrets for Kill {
    fn hide_secrets(&mut self) {
        let Kill { target, invariant: _, mutant, fate, evidence, began: _, took: _ } = self;
        target.hide_secrets();
        mutant.hide_secrets();
        match fate {
            Fate::Killed { observed: text } | Fate::Undecided { reason: text } => text.hide_secrets(),
            Fate::Survived => {}
        }
        evidence.hide_secrets();
    }
}

/// Where events go. Reports implement it; everything before them only sends.
pub trait Listener: Send + Sync {
    fn hear(&self, event: &Event);
}
