//! Makes what was heard of a run out of its JSON file.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use record::event::{Case, Kill};
use record::{Invariant, Level, Moment};

use super::{MergeError, Part};
use crate::Run;
use crate::json::{self, Check, Mutant};

/// What the files say of invariants, by name, and the first that says it.
pub struct Known<'d>(HashMap<String, (json::Invariant, &'d Path)>);

impl<'d> Known<'d> {
    /// # Errors
    /// When two files contradict each other.
    pub fn of(parts: &[Part<'d>]) -> Result<Known<'d>, MergeError> {
        let mut known = Known(HashMap::new());
        for part in parts {
            let decided = part.document.checks.iter().map(Check::invariant);
            for said in part.document.planned.iter().cloned().chain(decided) {
                known.add(part.file, said)?;
            }
        }
        Ok(known)
    }

    fn add(&mut self, file: &'d Path, said: json::Invariant) -> Result<(), MergeError> {
        match self.0.get(&said.id) {
            Some((known, other)) if *known != said => {
                Err(MergeError::Differ { name: said.id, file: file.to_owned(), other: (*other).to_owned() })
            }
            Some(_) => Ok(()),
            None => {
                self.0.insert(said.id.clone(), (said, file));
                Ok(())
            }
        }
    }

    /// Of what was never decided, older files have no more than the name.
    fn invariant(&self, name: &str) -> Invariant {
        let unsaid = || json::Invariant {
            id: name.to_owned(),
            level: Level::Must,
            statement: String::new(),
            document: String::new(),
            section: String::new(),
        };
        self.0.get(name).map_or_else(|| Invariant::from(&unsaid()), |(said, _)| Invariant::from(said))
    }
}

/// The run that a shard's report was made from, but with the plan of all shards.
pub fn run(part: &Part, known: &Known) -> Result<Run, MergeError> {
    let document = part.document;
    let restoring = Restoring { part, known };
    let started = UNIX_EPOCH.checked_add(Duration::from_secs(document.started)).unwrap_or(UNIX_EPOCH);
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
        planned: part.cut.from.iter().map(|name| known.invariant(name)).collect(),
        cases: cases.collect::<Result<_, _>>()?,
        kills: kills.collect::<Result<_, _>>()?,
        interrupted: document.interrupted,
    })
}

struct Restoring<'d> {
    part: &'d Part<'d>,
    known: &'d Known<'d>,
}

impl Restoring<'_> {
    fn case(&self, check: &Check, started: Moment) -> Result<Case, MergeError> {
        Ok(Case {
            target: self.part.document.target.clone(),
            invariant: self.known.invariant(&check.id),
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
            invariant: self.known.invariant(&mutant.id),
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
}
