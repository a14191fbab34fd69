//! What the scripts do with the statuses of what they call.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

use crate::command::objection;
use crate::file::repository;

/// A directory with stand-ins for programs, each of which writes down how it was called.
struct Place(TempDir);

impl Place {
    fn new(programs: &[(&str, &str)]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.0.path().join("bin")).unwrap();
        for (name, script) in programs {
            let path = place.0.path().join("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\necho {name} \"$@\" >>calls\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        place
    }

    fn file(self, path: &str) -> Place {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        self
    }

    fn run(&self, script: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let path = format!("{}:/usr/bin:/bin", self.0.path().join("bin").display());
        let mut command = Command::new(repository().join("ci").join(script));
        let output = command.args(arguments).current_dir(&self.0).env("PATH", path).output().unwrap();
        let calls = fs::read_to_string(self.0.path().join("calls")).unwrap_or_default();
        (output.status.code(), calls)
    }
}

const GATE: &str =
    "just assay gate --baseline last.xml --candidate target/assay/omarchy.xml --policy ci/gate.toml\n";

/// The gate's stand-in ends with 7.
#[rstest]
#[case::without_a_baseline_the_run_decides(false, 1, 1, "")]
#[case::without_a_baseline_all_is_well(false, 0, 0, "")]
#[case::what_passed_is_compared(true, 0, 7, GATE)]
#[case::what_failed_is_compared(true, 1, 7, GATE)]
#[case::what_is_broken_is_compared(true, 3, 7, GATE)]
#[case::what_never_ran_is_not(true, 4, 4, "")]
#[case::wrong_usage_is_not(true, 2, 2, "")]
fn a_change_is_judged(#[case] baseline: bool, #[case] run: i32, #[case] status: i32, #[case] gate: &str) {
    let just = format!("case $1 in test-omarchy) exit {run} ;; *) exit 7 ;; esac");
    let mut place = Place::new(&[("just", &just)]);
    if baseline {
        place = place.file("last.xml");
    }
    let expected = (Some(status), format!("just test-omarchy\n{gate}"));
    assert_eq!(place.run("judge", &["omarchy", "last.xml"]), expected);
}

/// Writes what it is asked to, unless there is no second shard.
const CARGO: &str = r#"case "$*" in *merge*2-of-2*) ;; *merge*) exit 2 ;; esac
while [ $# -gt 0 ]; do case $1 in --output) : >"$2" ;; esac; shift; done"#;

#[test]
fn shards_are_joined_by_target() {
    let shards = ["run/a-1-of-2", "run/a-2-of-2", "run/b-c-1-of-2", "prove/a-1-of-2", "prove/a-2-of-2"];
    let file = |place: Place, shard: &&str| place.file(&format!("shards/{shard}.json"));
    let place = shards.iter().fold(Place::new(&[("cargo", CARGO)]), file);
    let (status, called) = place.run("join", &["shards", "reports", "last"]);
    assert_eq!(status, Some(2), "a shard of b-c is missing");
    let called = called.replace("cargo run --quiet --package suites -- ", "");
    for call in called.lines() {
        let words: Vec<String> = call.split(' ').map(str::to_owned).collect();
        assert_eq!(objection(&words), None, "assay {call}");
    }
    insta::assert_snapshot!(called, @"
    merge shards/run/a-1-of-2.json shards/run/a-2-of-2.json --output reports/run/a.json --junit reports/run/a.xml
    merge shards/run/b-c-1-of-2.json --output reports/run/b-c.json --junit reports/run/b-c.xml
    merge shards/prove/a-1-of-2.json shards/prove/a-2-of-2.json --output reports/prove/a.json
    report reports/run/a.json reports/prove/a.json --html reports/report.html --history last
    ");
}

#[test]
fn a_night_without_shards_is_no_good_night() {
    assert_eq!(Place::new(&[("cargo", CARGO)]).run("join", &["shards", "reports"]), (Some(2), String::new()));
}

/// Of the last night there is nothing.
const GH: &str = r#"case "$*" in
    *"run list"*) echo 3; echo 2; echo 1 ;;
    *"download 2"*) mkdir -p last/run; : >last/run/omarchy.json ;;
    *) exit 1 ;;
esac"#;

#[test]
fn the_last_night_that_has_reports_is_fetched() {
    let place = Place::new(&[("gh", GH)]);
    let (status, called) = place.run("last-night", &["main", "last"]);
    assert_eq!(status, Some(0));
    assert!(called.contains("download 2") && !called.contains("download 1"), "{called}");
    assert!(place.0.path().join("last/run/omarchy.json").exists());
    assert!(place.0.path().join("last/prove/.keep").exists());
}

#[test]
fn a_service_that_does_not_answer_is_not_taken_for_no_nights() {
    let (status, _) = Place::new(&[("gh", "exit 1")]).run("last-night", &["main", "last"]);
    assert_eq!(status, Some(1));
}
