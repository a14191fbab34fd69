//! What all repetitions of one check amount to.

use std::time::Duration;

use record::event::{Case, Fate};
use record::{Invariant, Verdict};

use super::{Purpose, Rate, Run};

/// One invariant and every time it was decided. An invariant that holds only sometimes does not hold, so
/// the worst verdict counts: failed, then broken, then passed, then skipped.
#[derive(Debug)]
pub struct Decision<'a> {
    pub target: &'a str,
    pub invariant: &'a Invariant,
    /// In the order they ended. Empty when the run ended before the check did.
    pub cases: Vec<&'a Case>,
}

impl<'a> Decision<'a> {
    /// The first case with the worst verdict.
    pub fn worst(&self) -> Option<&'a Case> {
        // `max_by_key` would give the last of equals; the first is the one nearest to the cause.
        self.cases
            .iter()
            .copied()
            .reduce(|worst, case| if case.verdict.is_worse(&worst.verdict) { case } else { worst })
    }

    /// How often it passed. None when it was tried once or never: that is no rate.
    pub fn rate(&self) -> Option<Rate> {
        Rate::of(self.cases.iter().map(|case| &case.verdict)).filter(|rate| rate.tries > 1)
    }

    pub fn took(&self) -> Duration {
        self.cases.iter().map(|case| case.took).sum()
    }
}

impl Run {
    /// Every invariant that was planned or decided, once, in the order of the plan.
    pub fn decisions(&self) -> Vec<Decision<'_>> {
        let mut decisions: Vec<Decision<'_>> = self
            .planned
            .iter()
            .map(|invariant| Decision { target: &self.target, invariant, cases: Vec::new() })
            .collect();
        for case in &self.cases {
            let known = decisions
                .iter_mut()
                .find(|known| *known.invariant == case.invariant && known.target == case.target);
            match known {
                Some(decision) => decision.cases.push(case),
                None => decisions.push(Decision {
                    target: &case.target,
                    invariant: &case.invariant,
                    cases: vec![case],
                }),
            }
        }
        decisions
    }

    /// The names of those that were planned and never decided. When proving, a check counts as decided by a mutant
    /// that was killed or survived, or by being skipped on this target.
    pub fn undecided(&self) -> Vec<String> {
        let tried = |invariant: &Invariant| {
            self.kills
                .iter()
                .any(|kill| kill.invariant == *invariant && !matches!(kill.fate, Fate::Undecided { .. }))
        };
        self.decisions()
            .into_iter()
            .filter(|decision| match (self.purpose, decision.worst()) {
                (Purpose::Run, worst) => worst.is_none(),
                (Purpose::Prove, Some(Case { verdict: Verdict::Skipped { .. }, .. })) => false,
                (Purpose::Prove, _) => !tried(decision.invariant),
            })
            .map(|decision| decision.invariant.name())
            .collect()
    }
}
