//! The JSON file of a run or a proof: everything that was heard, for programs.
//!
//! Fields are only ever added. A change that would break a reader raises [`FORMAT`]. Times are seconds, moments
//! seconds since 1970 in UTC; texts are as the guest printed them, the middle of very long ones left out, so a
//! reader that shows them must make them safe first.
//!
//! ```json
//! { "format": 1, "purpose": "run", "target": "omarchy", "machine": "vm", "started": 1767225600, "took": 12.5,
//!   "interrupted": false, "status": 1, "undecided": [], "assay": "0.1.0", "overlays": ["…"],
//!   "laid": [{ "directory": "mine", "files": [{ "path": "/etc/motd", "effect": "replaced" }], "remarks": ["…"] }],
//!   "cut": { "shard": "1/3", "from": ["binfmt.registered"] },
//!   "planned": [{ "id": "binfmt.registered", "level": "must", "statement": "…", "document": "…", "section": "…" }],
//!   "preparations": [{ "what": "boot omarchy", "began": 1767225600.25, "took": 12.5 }],
//!   "checks": [{ "id": "binfmt.registered", "family": "binfmt", "level": "must", "statement": "…",
//!     "document": "…", "section": "…", "repetition": 1, "verdict": "failed", "expected": "…",
//!     "observed": "…", "began": 1767225600.25, "took": 1.2, "reproduce": "assay run …",
//!     "evidence": { "machines": [], "transcript": [], "journal": "", "console": "" } }],
//!   "rates": [{ "id": "binfmt.registered", "passed": 2, "tries": 10, "flaky": true, "rate": 0.2, "low": 0.057,
//!     "high": 0.51 }],
//!   "mutants": [{ "id": "binfmt.registered", "mutant": "…", "fate": "killed", "observed": "…",
//!     "began": 1767225600.25, "took": 1.2, "evidence": {} }] }
//! ```

use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use record::event::{Case, Fate, Kill};
use record::{Cut, Evidence, Laid, Level, MachineKind, Moment, Verdict};
use serde::{Deserialize, Serialize};

use super::{Decision, FileError, Preparation, Purpose, Run, status, write_atomically};

pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub format: u32,
    pub purpose: Purpose,
    pub target: String,
    /// What its machines were. Documents that do not say tell of virtual ones.
    #[serde(default)]
    pub machine: MachineKind,
    /// Since 1970, in UTC.
    pub started: u64,
    pub took: f64,
    pub interrupted: bool,
    /// The exit status of the program.
    pub status: u8,
    /// Checks that were planned and never decided.
    pub undecided: Vec<String>,
    /// The version that wrote it; empty in the first documents.
    #[serde(default)]
    pub assay: String,
    /// The digests of what was laid over the target, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// What each of them did there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub laid: Vec<Laid>,
    /// Only in a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// What was to be decided here, whether it was or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<Invariant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preparations: Vec<Preparation>,
    pub checks: Vec<Check>,
    /// Of each check that was tried more than once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<Rate>,
    pub mutants: Vec<Mutant>,
}

/// What is promised of the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invariant {
    /// Its name: `id`, or `id@variant`.
    pub id: String,
    pub level: Level,
    pub statement: String,
    pub document: String,
    pub section: String,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Moment>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Moment>,
    pub took: f64,
    pub evidence: Evidence,
}

/// How often one check passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    pub id: String,
    pub passed: u32,
    pub tries: u32,
    pub flaky: bool,
    /// The share of tries that passed, and between which shares the true one lies with 95 % confidence.
    pub rate: f64,
    pub low: f64,
    pub high: f64,
}

impl Document {
    /// What its checks promise.
    pub fn promises(&self) -> impl Iterator<Item = record::Invariant> {
        self.checks.iter().map(|check| {
            let id = check.id.split('@').next().unwrap_or_default().to_owned();
            let source = record::Source::new(check.document.clone(), check.section.clone());
            record::Invariant::new(id, check.level, check.statement.clone(), source)
        })
    }
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
            machine: run.machine,
            started: run.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            took: run.took.as_secs_f64(),
            interrupted: run.interrupted,
            status: status(run),
            undecided: run.undecided(),
            assay: run.assay.clone(),
            overlays: run.overlays.clone(),
            laid: run.laid.clone(),
            cut: run.cut.clone(),
            planned: run.planned.iter().map(Invariant::from).collect(),
            preparations: run.preparations.clone(),
            checks: run.cases.iter().map(Check::from).collect(),
            rates: run.decisions().iter().filter_map(rate).collect(),
            mutants: run.kills.iter().map(Mutant::from).collect(),
        }
    }
}

impl From<&record::Invariant> for Invariant {
    fn from(invariant: &record::Invariant) -> Self {
        Self {
            id: invariant.name(),
            level: invariant.level,
            statement: invariant.statement.to_string(),
            document: invariant.source.document.to_string(),
            section: invariant.source.section.to_string(),
        }
    }
}

impl From<&Invariant> for record::Invariant {
    fn from(said: &Invariant) -> Self {
        let Invariant { id, level, statement, document, section } = said;
        let source = record::Source::new(document.clone(), section.clone());
        let (id, variant) = match id.split_once('@') {
            Some((id, variant)) => (id, Some(variant.to_owned().into())),
            None => (&**id, None),
        };
        Self { variant, ..Self::new(id.to_owned(), *level, statement.clone(), source) }
    }
}

impl Check {
    /// What it decides.
    pub fn invariant(&self) -> Invariant {
        let Check { id, level, statement, document, section, .. } = self.clone();
        Invariant { id, level, statement, document, section }
    }
}

impl From<&Case> for Check {
    fn from(case: &Case) -> Self {
        let Invariant { id, level, statement, document, section } = Invariant::from(&case.invariant);
        Self {
            id,
            family: case.invariant.family().to_owned(),
            level,
            statement,
            document,
            section,
            repetition: case.repetition,
            verdict: case.verdict.clone(),
            began: Some(case.began),
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
            began: Some(kill.began),
            took: kill.took.as_secs_f64(),
            evidence: kill.evidence.clone(),
        }
    }
}

fn rate(decision: &Decision) -> Option<Rate> {
    decision.rate().map(|rate| Rate::new(&decision.invariant.name(), rate))
}

impl Rate {
    pub fn new(id: &str, rate: super::Rate) -> Rate {
        let (low, high) = rate.interval();
        let super::Rate { passed, tries, flaky } = rate;
        Rate { id: id.to_owned(), passed, tries, flaky, rate: rate.share(), low, high }
    }
}
