//! The jobs of a continuous integration service.

use std::collections::BTreeSet;
use std::fs;

use assert_cmd::Command;
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

/// The status, and what was said and complained of, in a directory with a report.
fn matrix(arguments: &[&str]) -> (i32, String, String) {
    let place = TempDir::new().unwrap();
    let case = |name: &str, took: u32| {
        format!(r#"<testcase classname="omarchy.binfmt" name="binfmt.{name}" time="{took}"/>"#)
    };
    let cases = [case("flags", 60), case("nix-order", 200)].concat();
    fs::write(place.path().join("last.xml"), format!("<testsuite>{cases}</testsuite>")).unwrap();
    let mut command = Command::cargo_bin("assay").unwrap();
    let output = command.current_dir(place.path()).arg("matrix").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn printed(arguments: &[&str]) -> String {
    let (status, said, complained) = matrix(arguments);
    assert_eq!((status, complained.as_str()), (0, ""));
    said
}

#[test]
fn the_shards_of_a_target() {
    assert_snapshot!(printed(&["omarchy", "--shards", "2"]), @r#"{"include":[{"target":"omarchy","shard":"1/2","name":"omarchy-1-of-2"},{"target":"omarchy","shard":"2/2","name":"omarchy-2-of-2"}]}"#);
    assert_snapshot!(printed(&["omarchy"]), @r#"{"include":[{"target":"omarchy","shard":"1/1","name":"omarchy-1-of-1"}]}"#);
}

#[test]
fn every_target_that_is_checked_has_a_job() {
    let matrix: Value = serde_json::from_str(&printed(&[])).unwrap();
    let jobs = matrix["include"].as_array().unwrap();
    let targets: BTreeSet<&str> = jobs.iter().map(|job| job["target"].as_str().unwrap()).collect();
    let checked: BTreeSet<&str> = suites::CATALOGUE.iter().map(|suite| suite.target).collect();
    assert_eq!((targets, jobs.len()), (checked.clone(), checked.len()));
}

#[test]
fn as_many_as_a_limit_needs() {
    let count = |minutes| {
        let matrix = printed(&["omarchy", "microvm", "--minutes", minutes, "--durations", "last.xml"]);
        let matrix: Value = serde_json::from_str(&matrix).unwrap();
        let of = |target| {
            matrix["include"].as_array().unwrap().iter().filter(|job| job["target"] == target).count()
        };
        // Of microvm nothing is known.
        assert_eq!(of("microvm"), 1);
        of("omarchy")
    };
    assert_eq!(count("1000"), 1);
    let checks = suites::CATALOGUE.iter().filter(|suite| suite.target == "omarchy");
    assert_eq!(
        count("0.01"),
        checks.map(|suite| suite.checks(&harness::Settings::default()).unwrap().len()).sum::<usize>(),
        "one each, as none fits"
    );
}

#[test]
fn what_cannot_be_is_told() {
    let said = |arguments: &[&str]| {
        let (status, said, complained) = matrix(arguments);
        assert_eq!((status, said.as_str()), (2, ""));
        complained
    };
    assert!(
        said(&["omarchi"]).starts_with("assay: there is no target \"omarchi\" (did you mean \"omarchy\"?): ")
    );
    assert_snapshot!(said(&["--durations", "missing.json"]), @"assay: cannot read missing.json: No such file or directory (os error 2)");
    assert!(said(&["--shards", "0"]).contains("invalid value '0' for '--shards <N>'"));
    assert!(said(&["--minutes", "0", "--durations", "last.xml"]).contains("write a number of minutes"));
    assert!(
        said(&["--minutes", "5", "--shards", "2", "--durations", "last.xml"]).contains("cannot be used with")
    );
}
