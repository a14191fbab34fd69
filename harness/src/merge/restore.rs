//! Makes what was heard of a run out of its JSON file.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use super::{MergeError, Part};
use crate::check::Suite;
use crate::event::{Case, Kill};
use crate::report::Run;
use crate::report::json::{Check, Mutant};
use crate::{Invariant, Moment};

/// The run that a shard's report was made from, but with the plan of all shards.
pub fn run(part: &Part, catalogue: &[Suite]) -> Result<Run, MergeError> {
    let document = part.document;
    let restoring = Restoring { part, known: known(&document.target, catalogue) };
    let started = UNIX_EPOCH.checked_add(Duration::from_secs(document.started)).unwrap_or(UNIX_EPOCH);
    let planned = part.cut.from.iter().map(|name| restoring.invariant(name));
    let cases = document.checks.iter().map(|check| restoring.case(check, started.into()));
    let kills = document.mutants.iter().map(|mutant| restoring.kill(mutant, started.into()));
    Ok(Run {
        purpose: document.purpose,
        assay: document.assay.clone(),
        target: document.target.clone(),
        machine: document.machine,
        overlays: document.overlays.clone(),
        laid: document.laid.clone(),
        cut: document.cut.clone(),
        started,
        took: restoring.took(&document.target, document.took)?,
        preparations: document.preparations.clone(),
        planned: planned.collect::<Result<_, _>>()?,
        cases: cases.collect::<Result<_, _>>()?,
        kills: kills.collect::<Result<_, _>>()?,
        interrupted: document.interrupted,
    })
}

fn known(target: &str, catalogue: &[Suite]) -> HashMap<String, Invariant> {
    let suites = catalogue.iter().filter(|suite| suite.target == target);
    let invariants = suites.flat_map(|suite| suite.checks).map(|check| check.invariant);
    invariants.map(|invariant| (invariant.name(), invariant)).collect()
}

struct Restoring<'d> {
    part: &'d Part<'d>,
    known: HashMap<String, Invariant>,
}

impl Restoring<'_> {
    fn invariant(&self, name: &str) -> Result<Invariant, MergeError> {
        self.known.get(name).copied().ok_or_else(|| self.unknown(name))
    }

    fn case(&self, check: &Check, started: Moment) -> Result<Case, MergeError> {
        let invariant = self.invariant(&check.id)?;
        let Invariant { level, statement, source, .. } = invariant;
        let says = (check.level, &*check.statement, &*check.document, &*check.section);
        if says != (level, statement, source.document, source.section) {
            return Err(self.unknown(&check.id));
        }
        Ok(Case {
            target: self.part.document.target.clone(),
            invariant,
            repetition: check.repetition,
            verdict: check.verdict.clone(),
            evidence: check.evidence.clone(),
            began: check.began.unwrap_or(started),
            took: self.took(&check.id, check.took)?,
            reproduce: check.reproduce.clone(),
        })
    }

    fn kill(&self, mutant: &Mutant, started: Moment) -> Result<Kill, MergeError> {
        Ok(Kill {
            target: self.part.document.target.clone(),
            invariant: self.invariant(&mutant.id)?,
            mutant: mutant.mutant.clone(),
            fate: mutant.fate.clone(),
            evidence: mutant.evidence.clone(),
            began: mutant.began.unwrap_or(started),
            took: self.took(&mutant.id, mutant.took)?,
        })
    }

    fn took(&self, name: &str, took: f64) -> Result<Duration, MergeError> {
        let (file, name) = (self.part.file.to_owned(), name.to_owned());
        Duration::try_from_secs_f64(took).map_err(|_| MergeError::NoTime { file, name, took })
    }

    fn unknown(&self, name: &str) -> MergeError {
        MergeError::Unknown { file: self.part.file.to_owned(), name: name.to_owned() }
    }
}
