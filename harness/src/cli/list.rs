//! `assay list`.

use lab::Settings;
use record::{Level, Need, Source, Text};
use report::DocumentMap;
use serde::Serialize;

use super::agenda::{Agenda, maps};
use super::arguments::List;
use super::failure::Failure;
use super::print::print;
use crate::{Check, Suite};

/// One invariant, as listed.
#[derive(Serialize)]
struct Row {
    target: String,
    suite: Text,
    id: String,
    level: Level,
    statement: Text,
    source: Source,
    mutants: Vec<Text>,
    needs: Vec<Need>,
}

/// Prints what is decided about one target, or else all that there are checks for.
pub fn list(options: &List, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    let mut listed: Vec<(String, Text, Check)> = Vec::new();
    let maps = match &options.target {
        Some(target) => {
            let Agenda { target, checks, maps, .. } = Agenda::find(target, catalogue)?;
            for (suite, checks) in checks {
                listed.extend(checks.into_iter().map(|check| (target.name.clone(), suite.clone(), check)));
            }
            maps
        }
        None => {
            for suite in catalogue {
                let checks = suite.checks(&Settings::default()).map_err(Failure::usage)?;
                let of = |check| (suite.target.to_owned(), suite.name.into(), check);
                listed.extend(checks.into_iter().map(of));
            }
            maps().into_iter().collect()
        }
    };
    if options.document {
        let invariants: Vec<_> = listed.into_iter().map(|(_, _, check)| check.invariant).collect();
        let documents = DocumentMap::all(&invariants, &maps).map_err(Failure::usage)?;
        let text = documents.iter().map(DocumentMap::to_string).collect::<Vec<_>>().join("\n");
        return printed(options, &documents, text);
    }
    let rows: Vec<Row> = listed.into_iter().map(|(target, suite, check)| row(target, suite, check)).collect();
    let told = text(&rows);
    printed(options, &rows, told)
}

fn printed<T: Serialize>(options: &List, listed: &[T], text: String) -> Result<u8, Failure> {
    if options.json {
        let json = serde_json::to_string_pretty(listed);
        print(&(json.map_err(|error| Failure::broken("write the list", error))? + "\n"))?;
    } else {
        print(&text)?;
    }
    Ok(0)
}

fn row(target: String, suite: Text, check: Check) -> Row {
    let invariant = check.invariant;
    Row {
        target,
        suite,
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
