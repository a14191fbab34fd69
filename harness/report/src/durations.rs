//! How long checks took in earlier runs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use junit::{self, JunitError};
use record::Invariant;

use crate::json::Document;
use crate::read::{self, ReadError};

/// By class and name, as in JUnit: `omarchy.binfmt` and `binfmt.flags`.
#[derive(Debug, Default)]
pub struct Durations(HashMap<(String, String), Duration>);

#[derive(Debug, thiserror::Error)]
pub enum DurationsError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Json(#[from] ReadError),
    #[error(transparent)]
    Junit(#[from] JunitError),
}

impl Durations {
    /// Of these reports, JSON or JUnit, and of the `.json` files in these directories. Where several tell of a check,
    /// the last one counts.
    pub fn read(paths: &[PathBuf]) -> Result<Durations, DurationsError> {
        let mut durations = Durations::default();
        for path in paths {
            if path.is_dir() {
                for file in read::files_in(path)? {
                    durations.add_document(&read::document(&file)?);
                }
            } else if is_xml(path)? {
                durations.add_report(junit::read_file(path)?);
            } else {
                durations.add_document(&read::document(path)?);
            }
        }
        Ok(durations)
    }

    /// None when no report tells.
    pub fn of(&self, target: &str, invariant: &Invariant) -> Option<Duration> {
        self.0.get(&(format!("{target}.{}", invariant.family()), invariant.name())).copied()
    }

    fn add_report(&mut self, report: junit::Report) {
        let known = report.cases.into_iter().filter_map(|case| Some(((case.class, case.name), case.took?)));
        self.0.extend(known);
    }

    /// What deciding a check once took, and in a proof trying its mutants too.
    fn add_document(&mut self, document: &Document) {
        let mut checks: HashMap<&str, (&str, f64, f64)> = HashMap::new();
        for check in &document.checks {
            let (_, sum, tries) = checks.entry(&check.id).or_insert((&check.family, 0.0, 0.0));
            (*sum, *tries) = (*sum + check.took, *tries + 1.0);
        }
        let mut mutants: HashMap<&str, f64> = HashMap::new();
        for mutant in &document.mutants {
            *mutants.entry(&mutant.id).or_default() += mutant.took;
        }
        let known = checks.into_iter().filter_map(|(id, (family, sum, tries))| {
            let took = sum / tries + mutants.get(id).copied().unwrap_or_default();
            // What is no time, such as less than nothing, is as good as unknown.
            let took = Duration::try_from_secs_f64(took).ok()?;
            Some(((format!("{}.{family}", document.target), id.to_owned()), took))
        });
        self.0.extend(known);
    }
}

/// By its first character.
fn is_xml(path: &Path) -> Result<bool, DurationsError> {
    let failed = |source| DurationsError::Io { path: path.to_owned(), source };
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(64).read_to_end(&mut head)).map_err(failed)?;
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&head);
    Ok(text.trim_ascii_start().starts_with(b"<"))
}

#[cfg(test)]
mod tests {
    use record::{Level, Source};

    use super::*;

    fn registered() -> Invariant {
        let source = Source::new("rosetta.md", "Registration");
        Invariant::new("binfmt.registered", Level::Must, "It is registered.", source)
    }

    fn read(contents: &[&str]) -> Result<Durations, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = |(index, content): (usize, &&str)| {
            let path = directory.path().join(index.to_string());
            std::fs::write(&path, content).unwrap();
            path
        };
        let files: Vec<PathBuf> = contents.iter().enumerate().map(file).collect();
        Durations::read(&files)
            .map_err(|error| error.to_string().replace(&*directory.path().to_string_lossy(), "HERE"))
    }

    fn seconds(contents: &[&str]) -> Option<f64> {
        read(contents).unwrap().of("omarchy", &registered()).map(|took| took.as_secs_f64())
    }

    const JUNIT: &str = "\u{feff}\n<testsuite><testcase classname='omarchy.binfmt' name='binfmt.registered' time='3'/>\
                         <testcase classname='other.binfmt' name='binfmt.registered' time='9'/></testsuite>";

    fn json(checks: &[f64], mutants: &[f64]) -> String {
        let mut document: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/first.json")).unwrap();
        let check = document["checks"][0].take();
        let again = |took: &f64| {
            let mut check = check.clone();
            (check["id"], check["took"]) = ("binfmt.registered".into(), (*took).into());
            check["family"] = "binfmt".into();
            check
        };
        let mutant = |took: &f64| {
            serde_json::json!({ "id": "binfmt.registered", "mutant": "m", "fate": "survived", "took": took,
                "evidence": check["evidence"] })
        };
        document["target"] = "omarchy".into();
        document["checks"] = checks.iter().map(again).collect();
        document["mutants"] = mutants.iter().map(mutant).collect();
        document.to_string()
    }

    #[test]
    fn both_kinds_of_report_are_read() {
        assert_eq!(seconds(&[JUNIT]), Some(3.0));
        assert_eq!(seconds(&[&json(&[4.0], &[])]), Some(4.0));
        assert_eq!(seconds(&[&json(&[4.0], &[]), JUNIT]), Some(3.0), "the last one counts");
    }

    #[test]
    fn a_directory_may_have_any_number_of_reports() {
        let directory = tempfile::tempdir().unwrap();
        let known = || Durations::read(&[directory.path().into()]).unwrap().of("omarchy", &registered());
        assert_eq!(known(), None);
        std::fs::write(directory.path().join("omarchy.json"), json(&[4.0], &[])).unwrap();
        assert_eq!(known(), Some(Duration::from_secs(4)));
    }

    #[test]
    fn one_repetition_counts_and_all_mutants() {
        assert_eq!(seconds(&[&json(&[4.0, 2.0], &[])]), Some(3.0));
        assert_eq!(seconds(&[&json(&[4.0], &[2.0, 3.0])]), Some(9.0));
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        assert_eq!(seconds(&[]), None);
        assert_eq!(seconds(&[&json(&[], &[])]), None);
        assert_eq!(seconds(&[&json(&[-1.0], &[])]), None);
        let variant = registered().on("aarch64");
        assert_eq!(read(&[JUNIT]).unwrap().of("omarchy", &variant), None);
    }

    #[test]
    fn what_is_no_report_is_named() {
        assert_eq!(read(&["", ""]).unwrap_err(), "HERE/0 is not a report as `assay run --json` writes it");
        assert_eq!(
            read(&["<testsuite>"]).unwrap_err(),
            "HERE/0, line 1: it ends inside <testsuite>: it is cut off"
        );
        let error = Durations::read(&["missing.xml".into()]).unwrap_err();
        assert_eq!(error.to_string(), "cannot read missing.xml");
    }
}
