//! Which of the selected checks run here, when they are shared out, and in which order.

use std::cmp::Reverse;
use std::time::Duration;

use super::arguments::Part;
use super::failure::Failure;
use crate::check::{Check, Touches};
use crate::shard::Item;
use crate::{Cut, Durations};

/// The checks of the shard that the user asked for, and what they were cut from; or all of them. The longest comes
/// first, so that it does not keep the others waiting at the end.
pub fn cut(target: &str, checks: Vec<Check>, part: &Part) -> Result<(Vec<Check>, Option<Cut>), Failure> {
    let durations = Durations::read(&part.durations).map_err(Failure::usage)?;
    let (mut checks, cut) = share(target, checks, part, &durations);
    // Of what nobody knows, that takes longest which boots a machine.
    let guess = |check: &Check| match check.touches {
        Touches::Power => Duration::MAX,
        Touches::Nothing | Touches::State => Duration::ZERO,
    };
    checks
        .sort_by_key(|check| Reverse(durations.of(target, &check.invariant).unwrap_or_else(|| guess(check))));
    Ok((checks, cut))
}

fn share(target: &str, checks: Vec<Check>, part: &Part, durations: &Durations) -> (Vec<Check>, Option<Cut>) {
    let Some(shard) = part.shard else { return (checks, None) };
    let items = items(target, &checks, durations);
    let chosen = shard.chooses(&items);
    let here = checks.into_iter().zip(chosen).filter_map(|(check, chosen)| chosen.then_some(check));
    let here = here.collect();
    (here, Some(Cut { shard, from: items.into_iter().map(|item| item.name).collect() }))
}

/// What is split: the checks, each with how long it took.
pub fn items(target: &str, checks: &[Check], durations: &Durations) -> Vec<Item> {
    let item =
        |check: &Check| Item { name: check.invariant.name(), took: durations.of(target, &check.invariant) };
    checks.iter().map(item).collect()
}
