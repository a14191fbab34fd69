//! What `assay list` shows.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use harness::Settings;
use insta::assert_snapshot;
use rstest::rstest;
use serde_json::Value;
use suites::CATALOGUE;

#[rstest]
#[case::for_people("list", &["list"])]
#[case::for_programs("list_json", &["list", "omarchy", "--json"])]
fn every_check_is_listed(#[case] name: &str, #[case] arguments: &[&str]) {
    let output = assay(arguments, Stdio::piped());
    assert!(output.status.success());
    assert_snapshot!(name, String::from_utf8(output.stdout).unwrap());
}

/// Says of a sentence that a check is still to be built.
const NOT_YET: &str = "no check yet: ";

#[test]
fn every_section_of_the_documents_is_decided_or_says_why_not() {
    let output = assay(&["list", "--document", "--json"], Stdio::piped());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let documents: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(documents.len(), 4);
    let ids: BTreeSet<String> = CATALOGUE
        .iter()
        .flat_map(|suite| suite.checks(&Settings::default()).unwrap())
        .map(|check| check.invariant.id.to_string())
        .collect();
    for document in &documents {
        let name = document["name"].as_str().unwrap();
        let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/documents").join(name);
        let map: toml::Table = fs::read_to_string(map.with_extension("toml")).unwrap().parse().unwrap();
        let headings: Vec<&str> =
            map["section"].as_array().unwrap().iter().map(|one| one["heading"].as_str().unwrap()).collect();
        for section in document["sections"].as_array().unwrap() {
            let heading = section["heading"].as_str().unwrap();
            assert!(headings.contains(&heading), "{name} has no section {heading:?}, which a check names");
            let [decided, open] = ["decided", "open"].map(|key| section[key].as_array().unwrap());
            assert!(!decided.is_empty() || !open.is_empty(), "{name}: {heading}");
            for reason in open.iter().filter_map(|open| open["reason"].as_str()?.split_once(NOT_YET)) {
                for id in reason.1.split(", ") {
                    assert!(!ids.contains(id), "{name}: {heading}: {id} is built");
                }
            }
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let output = assay(&["list"], std::io::pipe().unwrap().1.into());
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn a_list_that_is_lost_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = assay(&["list"], full.into());
    assert_eq!(output.status.code(), Some(3));
    assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"
    assay: cannot write to standard output: No space left on device (os error 28)
    ");
}

/// The program, without the environment of whoever runs the tests.
fn assay(arguments: &[&str], stdout: Stdio) -> Output {
    let mut command = Command::new(cargo_bin("assay"));
    command.args(arguments).env_remove("ASSAY_HOME").env_remove("RUST_BACKTRACE");
    command.stdout(stdout).stderr(Stdio::piped()).output().unwrap()
}
