//! `assay matrix`.

use lab::Home;
use record::shard::MOST;
use report::Durations;

use super::agenda::Agenda;
use super::arguments::Matrix as Options;
use super::failure::Failure;
use super::part::items;
use super::print::print;
use crate::check::{Check, Suite};
use crate::matrix::{Matrix, Size, jobs};

/// Prints one job for each shard of each target, in one line.
pub fn matrix(options: &Options, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    let durations = Durations::read(&options.durations).map_err(Failure::usage)?;
    let size = match options.minutes {
        Some(minutes) => Size::Within(minutes.into()),
        None => Size::Shards(options.shards.get()),
    };
    let mut include = Vec::new();
    for argument in wanted(options)? {
        let Agenda { target, checks, .. } = Agenda::find(&argument, catalogue)?;
        let checks: Vec<Check> = checks.into_iter().flat_map(|(_, checks)| checks).collect();
        include.extend(jobs(&argument, &target.name, &items(&target.name, &checks, &durations), size));
    }
    if include.len() > MOST as usize {
        return Err(Failure::usage(format!(
            "these are {} jobs, and GitHub runs at most {MOST} of one matrix: ask for fewer --shards or more --minutes",
            include.len()
        )));
    }
    let json = serde_json::to_string(&Matrix { include });
    print(&(json.map_err(|error| Failure::broken("write the matrix", error))? + "\n"))?;
    Ok(0)
}

/// Those that the user named, each once, or else all that are built in.
fn wanted(options: &Options) -> Result<Vec<String>, Failure> {
    if options.targets.is_empty() {
        return Ok(Home::find().map_err(Failure::usage)?.targets());
    }
    let mut targets = options.targets.clone();
    let mut seen = std::collections::BTreeSet::new();
    targets.retain(|target| seen.insert(target.clone()));
    Ok(targets)
}
