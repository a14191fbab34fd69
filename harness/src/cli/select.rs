//! Which checks the user asked for.

use lab::settings::{Settings, Stranger};
use lab::target::{OWN_TABLES, Target};

use super::arguments::Selection;
use super::failure::Failure;
use crate::check::{Check, Suite};

/// The checks of one suite, with its name.
pub type OfSuite = (&'static str, Vec<Check>);

/// All checks of a target with these settings, in the order of the catalogue.
pub fn all_checks(catalogue: &[Suite], target: &str, settings: &Settings) -> Result<Vec<OfSuite>, Failure> {
    let suites = catalogue.iter().filter(|suite| suite.target == target);
    let checks = suites.map(|suite| Ok((suite.name, suite.checks(settings).map_err(Failure::usage)?)));
    checks.collect()
}

/// Those of them that are selected. A name that selects nothing is an error: a typing mistake must not look like a
/// green run.
pub fn select(all: &[OfSuite], target: &str, selection: &Selection) -> Result<Vec<Check>, Failure> {
    for name in &selection.suites {
        if !all.iter().any(|(suite, _)| suite == name) {
            let known = all.iter().map(|(suite, _)| (*suite).to_owned());
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

/// A table that belongs to no suite would have no effect, and nobody would know.
pub fn only_known_tables(catalogue: &[Suite], target: &Target) -> Result<(), Failure> {
    let of_suites = catalogue.iter().filter_map(|suite| suite.table);
    let known: Vec<&str> = OWN_TABLES.into_iter().chain(of_suites).collect();
    let Some(Stranger { file, line, name }) = target.settings.stranger(&known) else { return Ok(()) };
    let (file, known) = (file.display(), known.join(", "));
    Err(Failure::usage(format!("{file}, line {line}: no suite has a table {name:?}; there is: {known}")))
}

/// `ID` means it on every variant of the target, `ID@VARIANT` on one, and `@VARIANT` all that is decided there.
fn means(wanted: &str, check: &Check) -> bool {
    let invariant = &check.invariant;
    wanted == invariant.id
        || wanted == invariant.name()
        || wanted.strip_prefix('@').is_some_and(|variant| invariant.variant.as_deref() == Some(variant))
}

/// Every target that there are checks for, once.
pub fn targets(catalogue: &'static [Suite]) -> Vec<&'static str> {
    let mut targets: Vec<&str> = Vec::new();
    for suite in catalogue {
        if !targets.contains(&suite.target) {
            targets.push(suite.target);
        }
    }
    targets
}

/// What to tell of a target that there are no checks for: its name selects them.
pub fn strange(catalogue: &'static [Suite], target: &str) -> Option<String> {
    let known = targets(catalogue);
    (!known.contains(&target)).then(|| {
        let known = known.join(", ");
        format!("there is no suite for a target {target:?}: its name selects the checks; there is: {known}")
    })
}

/// Fails for a target that there are no checks for.
pub fn check_target(target: &str, catalogue: &'static [Suite]) -> Result<(), Failure> {
    strange(catalogue, target).map_or(Ok(()), |text| Err(Failure::usage(text)))
}

fn unknown(kind: &str, name: &str, target: &str, known: impl Iterator<Item = String>) -> Failure {
    let known = known.collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "none" } else { &known };
    Failure::usage(format!("target {target} has no {kind} {name:?}; it has: {known}"))
}
