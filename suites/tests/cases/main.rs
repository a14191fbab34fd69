//! Overlays from public reports and real implementations, each with what has to be said of it.
//!
//! Deciding them starts machines, so it is done with `ASSAY_CASE_TESTS=1`, as `just test-cases` does. What a case speaks
//! of is looked at always.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What is laid over the target, and who met it.
    #[allow(dead_code)]
    what: String,
    target: String,
    /// From the case's own directory.
    #[serde(default = "beside")]
    overlay: PathBuf,
    #[serde(default)]
    options: Vec<String>,
    /// By the name of a check, what it has to say.
    #[serde(default)]
    verdicts: BTreeMap<String, String>,
    /// At least one of these checks fails, and none of them is broken.
    #[serde(default)]
    one_failed: Vec<String>,
    /// What the run tells.
    #[serde(default)]
    says: Vec<String>,
}

fn beside() -> PathBuf {
    "overlay".into()
}

impl Case {
    fn load(file: &Path) -> Case {
        toml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    }

    fn checks(&self) -> impl Iterator<Item = &String> {
        self.verdicts.keys().chain(&self.one_failed)
    }
}

fn assay() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("assay"));
    command.env_remove("ASSAY_SEED").env_remove("ASSAY_HOME");
    command
}

#[rstest]
fn a_case_speaks_of_checks_that_there_are(#[files("tests/cases/*/case.toml")] file: PathBuf) {
    let case = Case::load(&file);
    let listed = assay().args(["list", &case.target, "--json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let known: BTreeSet<&str> =
        listed.as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect();
    assert!(case.checks().count() > 0, "{} decides nothing", file.display());
    for check in case.checks() {
        assert!(known.contains(&**check), "{} has no check {check}", case.target);
    }
    assert!(file.parent().unwrap().join(&case.overlay).is_dir());
}

#[rstest]
fn it_is_decided_as_it_has_to_be(#[files("tests/cases/*/case.toml")] file: PathBuf) {
    if std::env::var_os("ASSAY_CASE_TESTS").is_none() {
        eprintln!("skipped: set ASSAY_CASE_TESTS=1 to start machines");
        return;
    }
    let case = Case::load(&file);
    let place = tempfile::tempdir().unwrap();
    let report = place.path().join("report.json");
    let mut run = assay();
    run.args(["run", &case.target, "--overlay"]).arg(file.parent().unwrap().join(&case.overlay));
    run.args(&case.options).arg("--json").arg(&report);
    for check in case.checks() {
        run.args(["--only", check]);
    }
    let ran = run.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);

    let report: Value = serde_json::from_slice(&fs::read(&report).expect(&told)).unwrap();
    let decided = report["checks"].as_array().unwrap().iter();
    let decided: BTreeMap<&str, &str> =
        decided.map(|check| (check["id"].as_str().unwrap(), check["verdict"].as_str().unwrap())).collect();
    for (check, verdict) in &case.verdicts {
        assert_eq!(decided[&**check], verdict, "{check}: {told}");
    }
    let one_failed: Vec<&str> = case.one_failed.iter().map(|check| decided[&**check]).collect();
    assert!(!one_failed.contains(&"broken"), "{one_failed:?}: {told}");
    assert!(one_failed.is_empty() || one_failed.contains(&"failed"), "{one_failed:?}: {told}");
    for text in &case.says {
        assert!(told.contains(text), "it does not say {text:?}: {told}");
    }
}
