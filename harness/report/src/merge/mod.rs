//! Joins the reports of all shards of a run into the run that it would have been without shards.
//!
//! What does not fit together is refused: a shard that is missing or there twice, a check that is in two shards or in
//! none, and shards of different targets, machines, selections, overlays or versions of assay. A report is untrusted,
//! so its cut is held against what it tells of.

mod error;
mod fit;
mod restore;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use error::MergeError;
use record::Cut;

use crate::Run;
use crate::json::Document;
use restore::Known;

/// The report of one shard, and where it is from.
struct Part<'d> {
    file: &'d Path,
    document: &'d Document,
    cut: &'d Cut,
}

impl<'d> Part<'d> {
    fn of((file, document): &'d (PathBuf, Document)) -> Result<Part<'d>, MergeError> {
        let cut = document.cut.as_ref().ok_or_else(|| MergeError::NoShard { file: file.clone() })?;
        Ok(Part { file, document, cut })
    }

    /// The names of the checks that were planned in it.
    fn names(&self) -> BTreeSet<&'d str> {
        let decided = self.document.checks.iter().map(|check| &check.id);
        decided.chain(&self.document.undecided).map(String::as_str).collect()
    }
}

/// The run that these are the shards of, in any order.
///
/// # Errors
/// When it cannot be told what that run is; see above. Never nothing: without files, the first shard is missing.
pub fn merge(files: &[(PathBuf, Document)]) -> Result<Run, MergeError> {
    let mut parts = files.iter().map(Part::of).collect::<Result<Vec<_>, _>>()?;
    fit::check(&parts)?;
    // Whichever way the files were named, the report is the same.
    parts.sort_by_key(|part| part.cut.shard);
    let known = Known::of(&parts)?;
    let runs = parts.iter().map(|part| restore::run(part, &known));
    let mut runs = runs.collect::<Result<Vec<_>, _>>()?.into_iter();
    let first = runs.next().ok_or(MergeError::Nothing)?;
    // Each was restored with the plan of all.
    Ok(Run { cut: None, ..runs.fold(marked(first), join) })
}

fn join(mut all: Run, next: Run) -> Run {
    let next = marked(next);
    let end = end(&all).max(end(&next));
    all.started = all.started.min(next.started);
    // From when the first began to when the last had ended: they may have run side by side.
    all.took = end.duration_since(all.started).unwrap_or_default();
    all.interrupted |= next.interrupted;
    all.preparations.extend(next.preparations);
    all.cases.extend(next.cases);
    all.kills.extend(next.kills);
    all
}

fn end(run: &Run) -> SystemTime {
    run.started.checked_add(run.took).unwrap_or(run.started)
}

/// Every shard prepared its own machines, so these say for which.
fn marked(mut run: Run) -> Run {
    let shard = run.cut.as_ref().map(|cut| cut.shard).filter(|shard| shard.of() > 1);
    if let Some(shard) = shard {
        run.preparations.iter_mut().for_each(|known| known.what += &format!(" for shard {shard}"));
    }
    run
}
