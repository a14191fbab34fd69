//! What a gate asks beyond "what passed has to pass", as a file.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use manifest::{self, ManifestError};
use serde::{Deserialize, Serialize};

use super::Day;
use super::pace::Noticeable;
use super::pair::Pair;

/// A policy file. Each `invariant` is the name of a case, or its class and name with a slash between them: the
/// name alone means all cases that have it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// What has to have passed in the candidate, whatever it was in the baseline.
    #[serde(default)]
    pub required: Vec<String>,
    /// Which change of a duration is told.
    #[serde(default)]
    pub duration: Noticeable,
    #[serde(default)]
    pub known_failure: Vec<KnownFailure>,
    #[serde(default)]
    pub flaky: Vec<Tolerance>,
    #[serde(default)]
    pub budget: Vec<Budget>,
}

/// An invariant that may be failed or broken for a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownFailure {
    pub invariant: String,
    pub reason: String,
    pub owner: String,
    pub expires: Day,
}

/// An invariant that may be flaky for a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tolerance {
    pub invariant: String,
    /// The largest share of tries that need not pass.
    pub max_rate: f64,
    pub reason: String,
    pub owner: String,
    pub expires: Day,
}

/// The longest that an invariant may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub invariant: String,
    pub seconds: f64,
}

/// Why something may be so that should not, who sees to it, and the last day on which it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excuse {
    pub reason: String,
    pub owner: String,
    pub expires: Day,
}

#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{entry}: {problem}")]
    Invalid { entry: String, problem: &'static str },
    #[error("no case of either report is called {}: correct or remove what the policy says of it", .0.join(", "))]
    Unmatched(Vec<String>),
}

impl Policy {
    pub fn load(file: &Path) -> Result<Policy, PolicyError> {
        let policy: Policy = manifest::load(file)?;
        policy.validate().map_err(|(entry, problem)| PolicyError::Invalid {
            entry: format!("{}: {entry}", file.display()),
            problem,
        })?;
        Ok(policy)
    }

    fn validate(&self) -> Result<(), (String, &'static str)> {
        let mut seen = HashSet::new();
        for (kind, name) in self.entries() {
            if !seen.insert((kind, name)) {
                return Err((format!("{kind} {name:?}"), "it is there twice"));
            }
        }
        let known =
            self.known_failure.iter().map(|entry| ("known-failure", &entry.invariant, entry.excuse()));
        let flaky = self.flaky.iter().map(|entry| ("flaky", &entry.invariant, entry.excuse()));
        for (kind, name, excuse) in known.chain(flaky) {
            if excuse.reason.trim().is_empty() || excuse.owner.trim().is_empty() {
                return Err((format!("{kind} {name:?}"), "the reason and the owner must not be empty"));
            }
        }
        if let Some(entry) = self.flaky.iter().find(|entry| !(0.0 < entry.max_rate && entry.max_rate < 1.0)) {
            return Err((format!("flaky {:?}", entry.invariant), "max-rate must lie between 0 and 1"));
        }
        if let Some(entry) = self.budget.iter().find(|entry| entry.limit().is_none()) {
            return Err((format!("budget {:?}", entry.invariant), "seconds must be more than 0"));
        }
        self.duration.validate().map_err(|problem| ("duration".into(), problem))
    }

    /// Refuses entries that no case is meant by: a typing mistake must not look like a rule that is kept.
    pub(super) fn check(&self, pairs: &[Pair]) -> Result<(), PolicyError> {
        let unmatched = |(_, name): &(_, &str)| !pairs.iter().any(|pair| pair.is_called(name));
        let unmatched: Vec<_> = self.entries().filter(unmatched).collect();
        if unmatched.is_empty() {
            return Ok(());
        }
        Err(PolicyError::Unmatched(
            unmatched.iter().map(|(kind, name)| format!("{name:?} ({kind})")).collect(),
        ))
    }

    /// The section and the invariant of each entry.
    fn entries(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let required = self.required.iter().map(|name| ("required", name.as_str()));
        let known = self.known_failure.iter().map(|entry| ("known-failure", entry.invariant.as_str()));
        let flaky = self.flaky.iter().map(|entry| ("flaky", entry.invariant.as_str()));
        let budget = self.budget.iter().map(|entry| ("budget", entry.invariant.as_str()));
        required.chain(known).chain(flaky).chain(budget)
    }
}

impl KnownFailure {
    pub fn excuse(&self) -> Excuse {
        let (reason, owner) = (self.reason.clone(), self.owner.clone());
        Excuse { reason, owner, expires: self.expires }
    }
}

impl Tolerance {
    pub fn excuse(&self) -> Excuse {
        let (reason, owner) = (self.reason.clone(), self.owner.clone());
        Excuse { reason, owner, expires: self.expires }
    }
}

impl Budget {
    /// Nothing when the file does not say a duration.
    pub fn limit(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.seconds).ok().filter(|limit| !limit.is_zero())
    }
}

impl Excuse {
    /// Whether it holds: on its last day it still does.
    pub fn holds(&self, today: Day) -> bool {
        today <= self.expires
    }
}
