//! `assay list`.

use lab::Settings;
use record::{Level, Need, Source, Text};
use serde::Serialize;

use super::agenda::Agenda;
use super::arguments::List;
use super::failure::Failure;
use super::print::print;
use crate::{Check, Suite};

/// One invariant, as listed.
#[derive(Serialize)]
struct Row {
    target: String,
    suite: String,
    id: String,
    level: Level,
    statement: Text,
    source: Source,
    mutants: Vec<Text>,
    needs: Vec<Need>,
}

/// Prints what is decided about one target, or else all that there are checks for.
pub fn list(options: &List, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    let rows: Vec<Row> = match &options.target {
        Some(target) => {
            let Agenda { target, checks, .. } = Agenda::find(target, catalogue)?;
            let rows = checks.into_iter().flat_map(|(suite, checks)| rows(&target.name, &suite, checks));
            rows.collect()
        }
        None => {
            let documented = catalogue.iter().map(|suite| {
                let checks = suite.checks(&Settings::default()).map_err(Failure::usage)?;
                Ok(rows(suite.target, suite.name, checks))
            });
            documented.collect::<Result<Vec<_>, Failure>>()?.into_iter().flatten().collect()
        }
    };
    if options.json {
        let json = serde_json::to_string_pretty(&rows);
        print(&(json.map_err(|error| Failure::broken("write the list", error))? + "\n"))?;
    } else {
        print(&text(&rows))?;
    }
    Ok(0)
}

fn rows(target: &str, suite: &str, checks: Vec<Check>) -> Vec<Row> {
    checks.into_iter().map(|check| row(target, suite, check)).collect()
}

fn row(target: &str, suite: &str, check: Check) -> Row {
    let invariant = check.invariant;
    Row {
        target: target.to_owned(),
        suite: suite.to_owned(),
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
