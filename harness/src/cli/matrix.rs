//! `assay matrix`.

use lab::Settings;
use record::shard::MOST;
use report::Durations;

use super::arguments::Matrix as Options;
use super::failure::Failure;
use super::part::items;
use super::print::print;
use super::select::{all_checks, check_target, targets};
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
    for target in wanted(options, catalogue)? {
        let all = all_checks(catalogue, target, &Settings::default())?;
        let checks: Vec<Check> = all.into_iter().flat_map(|(_, checks)| checks).collect();
        include.extend(jobs(target, &items(target, &checks, &durations), size));
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

/// Those that the user named, else all, each once.
fn wanted(options: &Options, catalogue: &'static [Suite]) -> Result<Vec<&'static str>, Failure> {
    options.targets.iter().try_for_each(|target| check_target(target, catalogue))?;
    let mut targets = targets(catalogue);
    targets
        .retain(|known| options.targets.is_empty() || options.targets.iter().any(|target| target == known));
    Ok(targets)
}
