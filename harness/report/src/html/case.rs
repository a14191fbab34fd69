//! One invariant on one target, and every time it was decided.

use record::text::line;
use record::{Level, Moment, Verdict, Violation};
use serde::Serialize;

use super::evidence::Seen;
use super::limit::Limit;
use crate::json::{self, Check};
use crate::{Purpose, Rate};

#[derive(Serialize)]
pub struct Case {
    pub target: String,
    pub id: String,
    family: String,
    /// What documents say of it. None when only its name is known, because it was never decided.
    invariant: Option<Invariant>,
    /// One word: the worst verdict of those that count, or `undecided`.
    verdict: &'static str,
    /// The index of the first try that ended so.
    worst: usize,
    /// Of the tries that count, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<json::Rate>,
    tries: Vec<Try>,
}

/// A check that was decided once, and where.
pub struct Decided<'d> {
    /// The index of the run or proof.
    pub session: usize,
    pub purpose: Purpose,
    pub check: &'d Check,
}

#[derive(Serialize)]
struct Invariant {
    level: Level,
    statement: String,
    document: String,
    section: String,
}

#[derive(Serialize)]
struct Try {
    /// The index of the run, or of the proof, where it is the unchanged target.
    session: usize,
    repetition: u32,
    #[serde(flatten)]
    verdict: Verdict,
    began: Option<Moment>,
    took: f64,
    reproduce: String,
    evidence: Seen,
}

impl Case {
    /// A check that was planned and never decided.
    pub fn undecided(target: &str, id: &str) -> Case {
        let id = line(id);
        let family = id.split_once('.').map_or(&*id, |(family, _)| family).to_owned();
        let (invariant, rate, tries) = (None, None, Vec::new());
        Case { target: line(target), family, id, invariant, verdict: "undecided", worst: 0, rate, tries }
    }

    /// From all that was decided of it: never nothing. A proof looks at the unchanged target only to compare
    /// with, so where there was a run, only that counts.
    pub fn of(target: &str, decided: &[Decided], limit: Limit) -> Option<Case> {
        let first = decided.first()?.check;
        let ran = decided.iter().any(|one| one.purpose == Purpose::Run);
        let counts = |one: &Decided| !ran || one.purpose == Purpose::Run;
        let counting = decided.iter().enumerate().filter(|(_, one)| counts(one));
        let counting = counting.map(|(index, one)| (index, &one.check.verdict));
        let rate = Rate::of(counting.clone().map(|(_, verdict)| verdict)).filter(|rate| rate.tries > 1);
        let (worst, verdict) =
            counting.reduce(|worst, next| if next.1.is_worse(worst.1) { next } else { worst })?;
        Some(Case {
            target: line(target),
            id: line(&first.id),
            family: line(&first.family),
            invariant: Some(Invariant {
                level: first.level,
                statement: line(&first.statement),
                document: line(&first.document),
                section: line(&first.section),
            }),
            verdict: verdict.word(),
            worst,
            rate: rate.map(|rate| json::Rate::new(&line(&first.id), rate)),
            tries: decided.iter().map(|one| Try::of(one.session, one.check, limit)).collect(),
        })
    }
}

impl Try {
    fn of(session: usize, check: &Check, limit: Limit) -> Try {
        let verdict = match &check.verdict {
            Verdict::Passed => Verdict::Passed,
            Verdict::Failed(violation) => Verdict::Failed(Violation {
                expected: limit.shown(&violation.expected),
                observed: limit.shown(&violation.observed),
            }),
            Verdict::Broken { reason } => Verdict::Broken { reason: limit.shown(reason) },
            Verdict::Skipped { reason } => Verdict::Skipped { reason: limit.shown(reason) },
        };
        Try {
            session,
            repetition: check.repetition,
            verdict,
            began: check.began,
            took: check.took,
            reproduce: line(&check.reproduce),
            evidence: Seen::of(&check.evidence, limit),
        }
    }
}
