//! `assay list`.

use lab::Settings;
use record::{Level, Need, Source, Text};
use serde::Serialize;

use super::arguments::List;
use super::failure::Failure;
use super::print::print;
use super::select::check_target;
use crate::{Check, Suite};

/// One invariant, as listed.
#[derive(Serialize)]
struct Row {
    target: &'static str,
    suite: &'static str,
    id: String,
    level: Level,
    statement: Text,
    source: Source,
    mutants: Vec<Text>,
    needs: Vec<Need>,
}

/// Prints the catalogue.
pub fn list(options: &List, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    options.target.iter().try_for_each(|target| check_target(target, catalogue))?;
    let wanted = |suite: &&Suite| options.target.as_deref().is_none_or(|target| target == suite.target);
    let suites: Vec<&Suite> = catalogue.iter().filter(wanted).collect();
    let mut rows = Vec::new();
    for suite in suites {
        let checks = suite.checks(&Settings::default()).map_err(Failure::usage)?;
        rows.extend(checks.into_iter().map(|check| row(suite, check)));
    }
    if options.json {
        let json = serde_json::to_string_pretty(&rows);
        print(&(json.map_err(|error| Failure::broken("write the list", error))? + "\n"))?;
    } else {
        print(&text(&rows))?;
    }
    Ok(0)
}

fn row(suite: &Suite, check: Check) -> Row {
    let invariant = check.invariant;
    Row {
        target: suite.target,
        suite: suite.name,
        id: invariant.name(),
        level: invariant.level,
        statement: invariant.statement,
        source: invariant.source,
        mutants: check.mutants.into_iter().map(|mutant| mutant.name).collect(),
        needs: check.needs,
    }
}

fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let mutants = if row.mutants.is_empty() { "none".to_owned() } else { row.mutants.join(", ") };
        text.push_str(&format!(
            "{} ({}, target {})\n  {}\n  documented in {}\n  {}\n  mutants: {mutants}\n\n",
            row.id,
            row.level,
            row.target,
            row.statement,
            row.source,
            needs(&row.needs),
        ));
    }
    text
}

fn needs(needs: &[Need]) -> String {
    if needs.is_empty() {
        return "needs nothing of a machine but to look at it".to_owned();
    }
    format!("needs {}", needs.iter().map(|need| need.word()).collect::<Vec<_>>().join(", "))
}
