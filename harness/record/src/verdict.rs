//! What a check decided.

use std::fmt;

use crate::MachineError;
use crate::causes::with_causes;
use crate::secret::HideSecrets;

/// The decision about one invariant on one target.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Seen to hold.
    Passed,
    /// The target violates it.
    Failed(Violation),
    /// The harness could not decide: a dead machine, a lost connection, a bug of ours.
    Broken { reason: String },
    /// Not tried, and why.
    Skipped { reason: String },
}

/// What the documents led us to expect, and what the target did instead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Violation {
    pub expected: String,
    pub observed: String,
}

/// Why a check stopped before its end. A check that runs to its end has passed.
#[derive(Debug)]
pub enum Stop {
    Violated(Violation),
    Broken(String),
    Skipped(String),
}

impl Stop {
    /// With the place where it was found.
    pub fn at(self, place: String) -> Stop {
        match self {
            Stop::Violated(Violation { expected, observed }) => {
                Stop::Violated(Violation { expected, observed: format!("{observed}, {place}") })
            }
            Stop::Broken(reason) => Stop::Broken(format!("{reason}, {place}")),
            Stop::Skipped(reason) => Stop::Skipped(reason),
        }
    }

    /// The same to a check that is about something else: what is violated keeps it from deciding.
    pub fn undecided(self) -> Stop {
        match self {
            Stop::Violated(Violation { expected, observed }) => Stop::Broken(format!(
                "it cannot be decided, because not even this holds: {expected}: {observed}"
            )),
            other => other,
        }
    }
}

/// What a check function returns.
pub type Outcome = Result<(), Stop>;

impl Verdict {
    /// One word, as used in every report.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed(_) => "failed",
            Verdict::Broken { .. } => "broken",
            Verdict::Skipped { .. } => "skipped",
        }
    }

    /// Whether this one counts when both were given: failed, then broken, then passed, then skipped.
    pub fn is_worse(&self, than: &Verdict) -> bool {
        self.badness() > than.badness()
    }

    fn badness(&self) -> u8 {
        match self {
            Verdict::Skipped { .. } => 0,
            Verdict::Passed => 1,
            Verdict::Broken { .. } => 2,
            Verdict::Failed(_) => 3,
        }
    }
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(()) => Verdict::Passed,
            Err(Stop::Violated(violation)) => Verdict::Failed(violation),
            Err(Stop::Broken(reason)) => Verdict::Broken { reason },
            Err(Stop::Skipped(reason)) => Verdict::Skipped { reason },
        }
    }
}

impl HideSecrets for Verdict {
    fn hide_secrets(&mut self) {
        match self {
            Verdict::Passed => {}
            Verdict::Failed(Violation { expected, observed }) => {
                expected.hide_secrets();
                observed.hide_secrets();
            }
            Verdict::Broken { reason } | Verdict::Skipped { reason } => reason.hide_secrets(),
        }
    }
}

/// Any error that reaches a check through `?` means that it could not decide; what these machines are not, that it
/// cannot be tried.
impl<E: std::error::Error + 'static> From<E> for Stop {
    fn from(error: E) -> Self {
        let any: &(dyn std::error::Error + 'static) = &error;
        let not_tried = any.downcast_ref().is_some_and(MachineError::is_no_try);
        let reason = with_causes(&error);
        if not_tried { Stop::Skipped(reason) } else { Stop::Broken(reason) }
    }
}

/// Stops the check as failed unless `holds`.
pub fn expect(holds: bool, expected: impl fmt::Display, observed: impl fmt::Display) -> Outcome {
    if holds {
        return Ok(());
    }
    violated(expected, observed)
}

/// Stops the check as failed.
pub fn violated<T>(expected: impl fmt::Display, observed: impl fmt::Display) -> Result<T, Stop> {
    let observed = match observed.to_string() {
        blank if blank.trim().is_empty() => "nothing".to_owned(),
        observed => observed,
    };
    Err(Stop::Violated(Violation { expected: expected.to_string(), observed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_nothing_was_observed_is_said() {
        let Err(Stop::Violated(violation)) = expect(false, "a word", " \n") else {
            panic!("it is not violated")
        };
        assert_eq!(violation.observed, "nothing");
    }
}
