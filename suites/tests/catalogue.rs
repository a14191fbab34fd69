//! The checks against the catalogue of invariants.

use std::collections::BTreeMap;

use harness::{Check, Level};

/// A row of the catalogue's tables.
struct Row {
    level: String,
    statement: String,
    mutants: String,
}

/// The rows by id.
fn catalogue() -> BTreeMap<String, Row> {
    let text = include_str!("../../fixtures/catalogue.md");
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, level, statement, mutants] = cells[..] else { return None };
        let row = Row { level: level.into(), statement: statement.into(), mutants: plain(mutants) };
        id.contains('.').then(|| (id.to_owned(), row))
    });
    rows.collect()
}

/// Without Markdown's marks. A dash stands for none, and after it why.
fn plain(text: &str) -> String {
    if text.starts_with('–') { String::new() } else { text.replace(['`', '*'], "") }
}

fn checks() -> impl Iterator<Item = &'static Check> {
    suites::CATALOGUE.iter().flat_map(|suite| suite.checks)
}

#[test]
fn every_check_states_a_row_of_the_catalogue() {
    let catalogue = catalogue();
    for check in checks() {
        let invariant = check.invariant;
        let row = catalogue.get(invariant.id).unwrap_or_else(|| panic!("{} is in no table", invariant.id));
        assert_eq!(invariant.statement, row.statement, "{}", invariant.id);
        let level = if row.level == "must" { Level::Must } else { Level::Hazard };
        assert_eq!(invariant.level, level, "{}", invariant.id);
    }
}

/// Rows without a check so far, in families that have some.
const OPEN: [&str; 3] = [
    // A root that is encrypted and boots from its own disk needs another image.
    "identity.boot-chain",
    "identity.disk-encrypted",
    // The image makes the user.
    "identity.policy-before-user",
];

#[test]
fn every_row_of_a_family_that_is_checked_has_a_check_or_is_known_to_have_none() {
    for suite in suites::CATALOGUE {
        let family = format!("{}.", suite.name);
        let expected = |id: &String| id.starts_with(&family) && !OPEN.contains(&id.as_str());
        let documented: Vec<String> = catalogue().into_keys().filter(expected).collect();
        let mut checked: Vec<&str> = suite.checks.iter().map(|check| check.invariant.id).collect();
        checked.sort_unstable();
        // One that is decided on several variants is in the list for each.
        checked.dedup();
        assert_eq!(checked, documented);
    }
}

#[test]
fn every_mutant_of_the_catalogue_is_tried() {
    let catalogue = catalogue();
    for check in checks() {
        let id = check.invariant.id;
        let mut rest = catalogue[id].mutants.clone();
        for mutant in check.mutants {
            assert!(rest.contains(mutant.name), "{id}: {:?} is not in {rest:?}", mutant.name);
            rest = rest.replacen(mutant.name, "", 1);
        }
        let untried: String = rest.chars().filter(|c| c.is_alphanumeric()).collect();
        assert_eq!(untried, "", "{id}: mutants of the catalogue that are not tried");
    }
}

#[test]
fn the_list_of_checks_is_pinned() {
    let list: Vec<String> = suites::CATALOGUE
        .iter()
        .flat_map(|suite| suite.checks.iter().map(move |check| (suite, check)))
        .map(|(suite, check)| format!("{} {} {:?}", suite.target, check.invariant.name(), check.needs))
        .collect();
    insta::assert_snapshot!(list.join("\n"));
}
