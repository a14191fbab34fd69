//! Which of the selected checks run here, when they are shared out.

use super::arguments::Part;
use super::failure::Failure;
use crate::check::Check;
use crate::shard::Item;
use crate::{Cut, Durations};

/// The checks of the shard that the user asked for, and what they were cut from; or all of them.
pub fn cut(target: &str, checks: Vec<Check>, part: &Part) -> Result<(Vec<Check>, Option<Cut>), Failure> {
    let Some(shard) = part.shard else { return Ok((checks, None)) };
    let durations = Durations::read(&part.durations).map_err(Failure::usage)?;
    let items = items(target, &checks, &durations);
    let chosen = shard.chooses(&items);
    let here = checks.into_iter().zip(chosen).filter_map(|(check, chosen)| chosen.then_some(check));
    let here = here.collect();
    Ok((here, Some(Cut { shard, from: items.into_iter().map(|item| item.name).collect() })))
}

/// What is split: the checks, each with how long it took.
pub fn items(target: &str, checks: &[Check], durations: &Durations) -> Vec<Item> {
    let item =
        |check: &Check| Item { name: check.invariant.name(), took: durations.of(target, &check.invariant) };
    checks.iter().map(item).collect()
}
