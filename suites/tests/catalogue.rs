//! The page of invariants, `fixtures/catalogue.md`, which is made from the checks.

use std::path::PathBuf;

use harness::{Check, Settings, Suite};

/// Set, it has the page written anew instead of compared.
const WRITE: &str = "ASSAY_WRITE_CATALOGUE";

fn file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/catalogue.md"))
}

/// The page with the tables of all suites as the checks have them.
fn current(page: &str) -> String {
    suites::CATALOGUE.iter().fold(page.to_owned(), |page, suite| with_table(&page, suite))
}

/// The page with the table of one suite, which stands below a heading with its name, as its checks have it.
fn with_table(page: &str, suite: &Suite) -> String {
    let heading = format!("\n### {}: ", suite.name);
    let below = page.find(&heading).unwrap_or_else(|| panic!("no heading {:?}", heading.trim()));
    let ruler = "|---|---|---|---|\n";
    let begin = below + page[below..].find(ruler).expect("a table") + ruler.len();
    let end = begin + page[begin..].find("\n\n").map_or(page.len() - begin, |end| end + 1);
    format!("{}{}{}", &page[..begin], rows(suite), &page[end..])
}

/// As they are where a target file says nothing else.
fn documented(suite: &Suite) -> Vec<Check> {
    suite.checks(&Settings::default()).unwrap()
}

/// One that is decided on several variants has one row.
fn rows(suite: &Suite) -> String {
    let mut checks = documented(suite);
    checks.dedup_by(|next, before| next.invariant.id == before.invariant.id);
    checks.iter().map(row).collect()
}

fn row(check: &Check) -> String {
    let invariant = &check.invariant;
    let mutants: Vec<&str> = check.mutants.iter().map(|mutant| &*mutant.name).collect();
    let mutants = if mutants.is_empty() { "–".to_owned() } else { mutants.join("; ") };
    let cells = [&*invariant.id, &invariant.level.to_string(), &*invariant.statement, &mutants]
        .map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}

#[test]
fn the_page_of_invariants_is_current() {
    let page = std::fs::read_to_string(file()).unwrap();
    let current = current(&page);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file(), current).unwrap();
        return;
    }
    assert!(page == current, "fixtures/catalogue.md is out of date: `just catalogue` writes it anew");
}

#[test]
fn every_check_has_an_id_of_its_own_and_of_its_suite() {
    for suite in suites::CATALOGUE {
        let mut names: Vec<String> = documented(suite).iter().map(|check| check.invariant.name()).collect();
        let family = format!("{}.", suite.name);
        assert!(names.iter().all(|name| name.starts_with(&family)), "{names:?}");
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "{family}");
    }
}

/// So that an id, which never changes once released, does not do so unnoticed.
#[test]
fn the_list_of_checks_is_pinned() {
    let list: Vec<String> = suites::CATALOGUE
        .iter()
        .flat_map(|suite| documented(suite).into_iter().map(move |check| (suite, check)))
        .map(|(suite, check)| format!("{} {} {:?}", suite.target, check.invariant.name(), check.needs))
        .collect();
    insta::assert_snapshot!(list.join("\n"));
}
