//! What the gate says to programs.
//!
//! Fields are only ever added. A change that would break a reader raises [`FORMAT`]. Times are seconds; texts are
//! as the reports have them, so a reader that shows them must make them safe first.
//!
//! ```json
//! { "format": 1, "status": 1, "today": "2026-01-31", "counts": { "regression": 1 },
//!   "cases": [{ "name": "binfmt.registered", "class": "omarchy.binfmt", "kind": "regression",
//!     "before": "passed", "after": "failed", "reasons": [{ "reason": "passed-before" }], "flaky": null, "message": "…",
//!     "took_before": 1.2, "took_after": 1.3 }],
//!   "inputs": [{ "name": "nixpkgs", "change": "updated", "old": { "type": "github", "place": "NixOS/nixpkgs",
//!     "revision": "…", "date": "2026-01-01" }, "new": {},
//!     "fields": [{ "field": "locked.rev", "old": "…", "new": "…" }] }],
//!   "notes": [] }
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use junit::{Flaky, Verdict};
use serde::Serialize;

use super::flake::InputChange;
use super::{Day, Finding, Judgement, Kind, Reason};
use crate::{FileError, write_atomically};

pub const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    /// The exit status of the program.
    status: u8,
    today: Day,
    counts: BTreeMap<Kind, usize>,
    cases: Vec<Case<'a>>,
    /// Nothing when no lock files were named.
    inputs: Option<&'a [InputChange]>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Case<'a> {
    name: &'a str,
    class: &'a str,
    kind: Kind,
    before: Option<Verdict>,
    after: Option<Verdict>,
    reasons: &'a [Reason],
    flaky: Option<Flaky>,
    message: &'a str,
    took_before: Option<f64>,
    took_after: Option<f64>,
}

pub fn write_file(
    path: &Path,
    judgement: &Judgement,
    inputs: Option<&[InputChange]>,
    today: Day,
) -> Result<(), FileError> {
    let mut counts = BTreeMap::new();
    for finding in &judgement.findings {
        *counts.entry(finding.kind).or_default() += 1;
    }
    let document = Document {
        format: FORMAT,
        status: judgement.status(),
        today,
        counts,
        cases: judgement.findings.iter().map(Case::from).collect(),
        inputs,
        notes: &judgement.notes,
    };
    write_atomically(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        io::Write::write_all(out, b"\n")
    })
}

impl<'a> From<&'a Finding> for Case<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            name: &finding.name,
            class: &finding.class,
            kind: finding.kind,
            before: finding.before,
            after: finding.after,
            reasons: &finding.reasons,
            flaky: finding.flaky,
            message: &finding.message,
            took_before: finding.took_before.map(|took| took.as_secs_f64()),
            took_after: finding.took_after.map(|took| took.as_secs_f64()),
        }
    }
}
