//! `assay merge`.

use report::terminal::{Look, Style, summary};
use report::{Purpose, merge, read};

use super::agenda::maps;
use super::arguments::Merge;
use super::failure::Failure;
use super::print::print;
use super::reports::Reports;

/// Makes of the reports of all shards the reports of one run.
pub fn merge(options: Merge) -> Result<u8, Failure> {
    let Merge { files, output, junit, html } = options;
    let reports = Reports { junit, html, json: Some(output) };
    reports.check_writable()?;
    let documents = files.into_iter().map(|file| read::document(&file).map(|document| (file, document)));
    let documents = documents.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    let run = merge::merge(&documents).map_err(Failure::usage)?;
    if run.purpose == Purpose::Prove && reports.junit.is_some() {
        return Err(Failure::usage("--junit is for runs, and these are the shards of a proof: leave it out"));
    }
    reports.write(&run, maps())?;
    print(&summary(&run, Style { colour: Look::of_stdout().colour }))?;
    Ok(0)
}
