//! Which checks the user asked for.

use super::arguments::Selection;
use super::failure::Failure;
use crate::check::{Check, Suite};

/// The target's checks that are selected, in the order of the catalogue. A name that selects nothing
/// is an error: a typing mistake must not look like a green run.
pub fn select(
    catalogue: &'static [Suite],
    target: &str,
    selection: &Selection,
) -> Result<Vec<Check>, Failure> {
    let suites: Vec<&Suite> = catalogue.iter().filter(|suite| suite.target == target).collect();
    for name in &selection.suites {
        if !suites.iter().any(|suite| suite.name == name) {
            let known = suites.iter().map(|suite| suite.name);
            return Err(unknown("suite", name, target, known));
        }
    }
    let chosen =
        suites.iter().filter(|suite| selection.suites.is_empty() || named(&selection.suites, suite.name));
    let checks: Vec<Check> = chosen.flat_map(|suite| suite.checks).copied().collect();
    for id in &selection.only {
        if !checks.iter().any(|check| check.invariant.id == id) {
            return Err(unknown("invariant", id, target, checks.iter().map(|check| check.invariant.id)));
        }
    }
    let wanted = |check: &Check| selection.only.is_empty() || named(&selection.only, check.invariant.id);
    Ok(checks.into_iter().filter(wanted).collect())
}

fn named(names: &[String], name: &str) -> bool {
    names.iter().any(|wanted| wanted == name)
}

fn unknown(kind: &str, name: &str, target: &str, known: impl Iterator<Item = &'static str>) -> Failure {
    let known = known.collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "none" } else { &known };
    Failure::usage(format!("target {target} has no {kind} {name:?}; it has: {known}"))
}
