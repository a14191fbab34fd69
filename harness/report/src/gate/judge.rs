//! The decision about all cases.

use junit::{Report, Verdict};

use super::pair::{Pair, pairs};
use super::rules::find;
use super::{Day, Finding, Kind, Policy, PolicyError};

/// What the gate found.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Every case of both reports: those of the baseline in its order, then the new ones.
    pub findings: Vec<Finding>,
    /// What else people should know; not safe to show.
    pub notes: Vec<String>,
}

impl Judgement {
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.kind == kind)
    }

    /// The exit status: 1 for a regression, else 0.
    pub fn status(&self) -> u8 {
        u8::from(self.of(Kind::Regression).next().is_some())
    }
}

/// Compares `candidate` with `baseline` under `policy`, of which entries expire before `today`.
///
/// Fails when the policy speaks of a case that is in neither report.
pub fn judge(
    baseline: &Report,
    candidate: &Report,
    policy: &Policy,
    today: Day,
) -> Result<Judgement, PolicyError> {
    let pairs = pairs(baseline, candidate);
    policy.check(&pairs)?;
    let findings = pairs.iter().map(|pair| find(pair, policy, today)).collect();
    Ok(Judgement { findings, notes: notes(&pairs, policy) })
}

fn notes(pairs: &[Pair], policy: &Policy) -> Vec<String> {
    let mut notes = Vec::new();
    for pair in pairs {
        for (report, case) in [("baseline", pair.before), ("candidate", pair.after)] {
            if let Some(case) = case.filter(|case| case.entries > 1) {
                let (name, entries) = (&pair.name, case.entries);
                notes.push(format!("{name} is in the {report} {entries} times: the worst verdict counts"));
            }
        }
        let passed = pair.after.is_some_and(|case| case.verdict == Verdict::Passed);
        if passed && policy.known_failure.iter().any(|entry| pair.is_called(&entry.invariant)) {
            notes.push(format!("{} is a known failure, and passed: remove it from the policy", pair.name));
        }
    }
    notes
}
