//! What the gate has to say of one case.

use std::time::Duration;

use junit::{Flaky, Verdict};
use serde::Serialize;

use super::Reason;

/// One case of both reports, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What people call it: its name, and as much more of what it is known by as it takes to tell it from others.
    pub name: String,
    /// Its class, in the candidate if that has it.
    pub class: String,
    pub kind: Kind,
    /// Nothing when the baseline does not have it.
    pub before: Option<Verdict>,
    /// Nothing when the candidate does not have it.
    pub after: Option<Verdict>,
    /// Why it counts, or why it does not.
    pub reasons: Vec<Reason>,
    /// In the candidate.
    pub flaky: Option<Flaky>,
    /// What the candidate says of its verdict, as far as that is kept; not safe to show.
    pub message: String,
    pub took_before: Option<Duration>,
    pub took_after: Option<Duration>,
}

/// What became of a case. Only a regression counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Regression,
    /// It would count, and the policy lets it.
    Excused,
    Fixed,
    New,
    StillFailing,
    StillBroken,
    /// Any other change, for none of which it had to pass before.
    Changed,
    /// It passed and passes.
    Slower,
    Faster,
    Same,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Kind; 10] = [
        Kind::Regression,
        Kind::Excused,
        Kind::Fixed,
        Kind::New,
        Kind::StillFailing,
        Kind::StillBroken,
        Kind::Changed,
        Kind::Slower,
        Kind::Faster,
        Kind::Same,
    ];

    /// What stands before a count, and over a list.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Regression => "regressions",
            Kind::Excused => "excused",
            Kind::Fixed => "fixed",
            Kind::New => "new",
            Kind::StillFailing => "still failing",
            Kind::StillBroken => "still broken",
            Kind::Changed => "changed otherwise",
            Kind::Slower => "slower",
            Kind::Faster => "faster",
            Kind::Same => "as before",
        }
    }
}

impl Finding {
    /// One word for what it is now.
    pub fn word(&self) -> &'static str {
        self.after.map_or("gone", Verdict::word)
    }
}
