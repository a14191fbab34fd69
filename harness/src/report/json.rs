//! The JSON file of a run or a proof: everything that was heard, for programs.
//!
//! Fields are only ever added. A change that would break a reader raises [`FORMAT`]. Times are seconds;
//! texts are as the guest printed them, the middle of very long ones left out, so a reader that shows them must
//! make them safe first.
//!
//! ```json
//! { "format": 1, "purpose": "run", "target": "omarchy", "started": 1767225600, "took": 12.5,
//!   "interrupted": false, "status": 1, "undecided": [],
//!   "checks": [{ "id": "binfmt.registered", "family": "binfmt", "level": "must", "statement": "…",
//!     "document": "…", "section": "…", "repetition": 1, "verdict": "failed", "expected": "…",
//!     "observed": "…", "took": 1.2, "reproduce": "assay run …",
//!     "evidence": { "transcript": [], "journal": "", "console": "" } }],
//!   "mutants": [{ "id": "binfmt.registered", "mutant": "…", "fate": "killed", "observed": "…",
//!     "took": 1.2, "evidence": {} }] }
//! ```

use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::{FileError, Purpose, Run, status, write_atomically};
use crate::event::{Case, Fate, Kill};
use crate::{Evidence, Level, Verdict};

pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub format: u32,
    pub purpose: Purpose,
    pub target: String,
    /// Since 1970, in UTC.
    pub started: u64,
    pub took: f64,
    pub interrupted: bool,
    /// The exit status of the program.
    pub status: u8,
    /// Checks that were planned and never decided.
    pub undecided: Vec<String>,
    pub checks: Vec<Check>,
    pub mutants: Vec<Mutant>,
}

/// One check, once: with `--repeat` there are several of the same id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The name of the invariant: `id`, or `id@variant`.
    pub id: String,
    pub family: String,
    pub level: Level,
    pub statement: String,
    pub document: String,
    pub section: String,
    pub repetition: u32,
    /// `verdict`, and beside it `expected` and `observed`, or `reason`.
    #[serde(flatten)]
    pub verdict: Verdict,
    pub took: f64,
    pub reproduce: String,
    pub evidence: Evidence,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mutant {
    pub id: String,
    pub mutant: String,
    /// `fate`, and beside it `observed` or `reason`.
    #[serde(flatten)]
    pub fate: Fate,
    pub took: f64,
    pub evidence: Evidence,
}

pub fn write_file(path: &Path, run: &Run) -> Result<(), FileError> {
    write_atomically(path, |out| write(out, run))
}

pub fn write(out: &mut dyn io::Write, run: &Run) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document::from(run))?;
    out.write_all(b"\n")
}

impl From<&Run> for Document {
    fn from(run: &Run) -> Self {
        Self {
            format: FORMAT,
            purpose: run.purpose,
            target: run.target.clone(),
            started: run.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            took: run.took.as_secs_f64(),
            interrupted: run.interrupted,
            status: status(run),
            undecided: run.undecided(),
            checks: run.cases.iter().map(Check::from).collect(),
            mutants: run.kills.iter().map(Mutant::from).collect(),
        }
    }
}

impl From<&Case> for Check {
    fn from(case: &Case) -> Self {
        let invariant = case.invariant;
        Self {
            id: invariant.name(),
            family: invariant.family().to_owned(),
            level: invariant.level,
            statement: invariant.statement.to_owned(),
            document: invariant.source.document.to_owned(),
            section: invariant.source.section.to_owned(),
            repetition: case.repetition,
            verdict: case.verdict.clone(),
            took: case.took.as_secs_f64(),
            reproduce: case.reproduce.clone(),
            evidence: case.evidence.clone(),
        }
    }
}

impl From<&Kill> for Mutant {
    fn from(kill: &Kill) -> Self {
        Self {
            id: kill.invariant.name(),
            mutant: kill.mutant.clone(),
            fate: kill.fate.clone(),
            took: kill.took.as_secs_f64(),
            evidence: kill.evidence.clone(),
        }
    }
}
