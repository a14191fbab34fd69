//! Which checks the user asked for.

use manifest::did_you_mean;

use super::agenda::OfSuite;
use super::arguments::Selection;
use super::failure::Failure;
use crate::check::Check;

/// Those of a target's checks that are selected. A name that selects nothing is an error: a typing mistake must not look like a
/// green run.
pub fn select(all: &[OfSuite], target: &str, selection: &Selection) -> Result<Vec<Check>, Failure> {
    for name in &selection.suites {
        if !all.iter().any(|(suite, _)| suite == name) {
            let known = all.iter().map(|(suite, _)| suite.to_string());
            return Err(unknown("suite", name, target, known));
        }
    }
    let chosen =
        |suite: &str| selection.suites.is_empty() || selection.suites.iter().any(|name| name == suite);
    let chosen = all.iter().filter(|(suite, _)| chosen(suite));
    let checks: Vec<Check> = chosen.flat_map(|(_, checks)| checks).cloned().collect();
    for wanted in &selection.only {
        if !checks.iter().any(|check| means(wanted, check)) {
            return Err(unknown(
                "invariant",
                wanted,
                target,
                checks.iter().map(|check| check.invariant.name()),
            ));
        }
    }
    let wanted =
        |check: &Check| selection.only.is_empty() || selection.only.iter().any(|wanted| means(wanted, check));
    Ok(checks.into_iter().filter(wanted).collect())
}

/// `ID` means it on every variant of the target, `ID@VARIANT` on one, and `@VARIANT` all that is decided there.
fn means(wanted: &str, check: &Check) -> bool {
    let invariant = &check.invariant;
    wanted == invariant.id
        || wanted == invariant.name()
        || wanted.strip_prefix('@').is_some_and(|variant| invariant.variant.as_deref() == Some(variant))
}

fn unknown(kind: &str, name: &str, target: &str, known: impl Iterator<Item = String>) -> Failure {
    let known: Vec<String> = known.collect();
    let meant = did_you_mean(name, &known);
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Failure::usage(format!("target {target} has no {kind} {name:?}{meant}; it has: {known}"))
}
