//! `assay merge`, of the reports of real runs. They end before any machine, because none can be started here, and so
//! every check in them is broken.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    /// With both shards of a run of three checks, `1.json` and `2.json`.
    fn of_two() -> Place {
        let place = Place::new();
        for shard in ["1", "2"] {
            let only =
                ["--only", "binfmt.flags", "--only", "binfmt.nix-order", "--only", "binfmt.registered"];
            place.run(
                &[&only[..], &["--shard", &format!("{shard}/2"), "--json", &format!("{shard}.json")]]
                    .concat(),
            );
        }
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn assay(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("assay").unwrap();
        command.current_dir(self.path()).args(arguments).env("ASSAY_CACHE", self.path().join("cache"));
        // Where no QEMU is found.
        command.env("PATH", self.path()).env_remove("ASSAY_SEED").env_remove("ASSAY_HOME");
        command.timeout(std::time::Duration::from_secs(60));
        command
    }

    fn run(&self, arguments: &[&str]) {
        self.assay(&["run", "omarchy"]).args(arguments).assert().code(3);
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path().join(name)).unwrap()).unwrap()
    }

    /// Changes one of the files.
    fn change(&self, name: &str, change: impl FnOnce(&mut Value)) -> &Place {
        let mut report = self.read(name);
        change(&mut report);
        fs::write(self.path().join(name), report.to_string()).unwrap();
        self
    }

    /// What it says to files that do not fit together. It writes nothing then.
    fn refused(&self, files: &[&str]) -> String {
        let output = self.assay(&["merge", "--output", "whole.json"]).args(files).output().unwrap();
        let complained = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{complained}");
        assert!(!self.path().join("whole.json").exists());
        complained
    }
}

fn names(report: &Value) -> BTreeSet<&str> {
    report["checks"].as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect()
}

#[test]
fn two_shards_have_the_checks_of_a_run_without() {
    let place = Place::new();
    place.run(&["--json", "unsharded.json"]);
    place.run(&["--json", "1.json", "--shard", "1/2"]);
    place.run(&["--json", "2.json", "--shard", "2/2"]);
    let files =
        ["2.json", "1.json", "--output", "whole.json", "--junit", "whole.xml", "--html", "whole.html"];
    let output = place.assay(&["merge"]).args(files).output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    let said = String::from_utf8(output.stdout).unwrap();
    let (one, two) = (place.read("1.json"), place.read("2.json"));
    let (whole, unsharded) = (place.read("whole.json"), place.read("unsharded.json"));
    let count = names(&unsharded).len();
    let counted = format!("\nomarchy: {count} broken, ");
    let told = said.lines().any(|line| line.starts_with("broken ") && line.contains(" binfmt.flags,"));
    assert!(told && said.contains(&counted), "{said}");
    assert_eq!(names(&one).intersection(&names(&two)).count(), 0);
    assert_eq!(names(&whole), names(&unsharded));
    assert_eq!((&whole["status"], &whole["cut"]), (&json!(3), &Value::Null));
    let junit = fs::read_to_string(place.path().join("whole.xml")).unwrap();
    assert!(junit.matches("<error ").count() == count && !junit.contains("shard"), "{junit}");
    assert!(fs::read_to_string(place.path().join("whole.html")).unwrap().contains("binfmt.flags"));
}

#[test]
fn measured_durations_decide_what_is_in_a_shard() {
    let place = Place::of_two();
    let slow = r#"<testcase classname="omarchy.binfmt" name="binfmt.flags" time="100"/>"#;
    fs::write(
        place.path().join("last.xml"),
        format!("<testsuite>{slow}{}</testsuite>", slow.replace("flags", "registered").replace("100", "1")),
    )
    .unwrap();
    let only = ["--only", "binfmt.flags", "--only", "binfmt.nix-order", "--only", "binfmt.registered"];
    for shard in ["1", "2"] {
        let (file, shard) = (format!("{shard}.json"), format!("{shard}/2"));
        place.run(&[&only[..], &["--json", &file, "--shard", &shard, "--durations", "last.xml"]].concat());
    }
    assert_eq!(names(&place.read("1.json")), BTreeSet::from(["binfmt.flags"]));
    assert_eq!(names(&place.read("2.json")), BTreeSet::from(["binfmt.nix-order", "binfmt.registered"]));
}

#[test]
fn gaps_are_refused() {
    let place = Place::of_two();
    assert_snapshot!(place.refused(&["1.json"]), @"assay: shard 2/2 is missing: name the reports of all shards");
    place.change("1.json", |report| report["cut"]["shard"] = "2/4".into());
    assert_snapshot!(place.refused(&["1.json"]), @"assay: shards 1/4, 3/4, 4/4 are missing: name the reports of all shards");
    let place = Place::of_two();
    let gone = |report: &mut Value| drop(report["checks"].as_array_mut().unwrap().remove(0));
    let file = if names(&place.read("1.json")).len() == 1 { "1.json" } else { "2.json" };
    assert_snapshot!(place.change(file, gone).refused(&["1.json", "2.json"]), @"assay: binfmt.nix-order is in no file, though all shards are there: cut all with the same --durations");
}

#[test]
fn overlaps_are_refused() {
    let place = Place::of_two();
    assert_snapshot!(place.refused(&["1.json", "2.json", "1.json"]), @"assay: 1.json and 1.json are both shard 1/2: name each once");
    fs::copy(place.path().join("1.json"), place.path().join("again.json")).unwrap();
    assert_snapshot!(place.refused(&["1.json", "2.json", "again.json"]), @"assay: 1.json and again.json are both shard 1/2: name each once");
    place.change("again.json", |report| report["cut"]["shard"] = "2/2".into());
    place.change("again.json", |report| report["checks"][0]["id"] = "binfmt.flags".into());
    place.change("1.json", |report| report["checks"][0]["id"] = "binfmt.flags".into());
    assert_snapshot!(place.refused(&["1.json", "again.json"]), @"assay: binfmt.flags is in 1.json and in again.json: cut all shards with the same --durations");
}

#[test]
fn what_was_run_differently_is_refused() {
    let said =
        |change: fn(&mut Value)| Place::of_two().change("2.json", change).refused(&["1.json", "2.json"]);
    assert_snapshot!(said(|report| report["target"] = "microvm".into()), @r#"assay: 2.json is of the target "microvm", and 1.json of "omarchy": merge the shards of each target by themselves, and show them together with `assay report`"#);
    assert_snapshot!(said(|report| report["machine"] = "container".into()), @"assay: 2.json was run on other machines than 1.json: run all shards with the same --machine");
    assert_snapshot!(said(|report| report["purpose"] = "prove".into()), @"assay: 2.json is a proof, and 1.json is a run: merge them by themselves");
    assert_snapshot!(said(|report| report["assay"] = "9.9.9".into()), @r#"assay: 2.json is of assay "9.9.9", and 1.json of "0.1.0": run all shards with one version"#);
    assert_snapshot!(said(|report| report["overlays"] = json!(["d1ge57"])), @"assay: 2.json was run with other files over the target than 1.json: run all shards with the same --overlay");
    assert_snapshot!(said(|report| report["cut"]["shard"] = "2/3".into()), @"assay: 2.json is shard 2/3, and 1.json is shard 1/2: cut all into the same number");
    assert_snapshot!(said(|report| report["cut"]["from"] = json!([])), @"assay: 2.json was cut from other checks than 1.json: run all shards with the same --suite and --only");
}

#[test]
fn what_assay_did_not_write_is_refused() {
    let said = |change: fn(&mut Value)| {
        let place = Place::of_two();
        place.change("1.json", change).change("2.json", |_| {}).refused(&["1.json", "2.json"])
    };
    assert_snapshot!(said(|report| report["cut"] = Value::Null), @"assay: 1.json is not of a shard: `assay run --shard K/N --json FILE` writes one that is");
    let shard = said(|report| report["cut"]["shard"] = "3/2".into());
    // At which column depends on how many digits the times before it have.
    let (shard, _) = shard.split_once(" at line 1 column ").unwrap();
    assert_snapshot!(shard, @"assay: 1.json is not a report as `assay run --json` writes it: write it like 2/3, the second of three; there are at most 256");
    assert_snapshot!(said(|report| report["checks"][0]["id"] = "binfmt.\u{1b}[2J".into()), @r#"assay: 1.json tells of "binfmt.\u{1b}[2J", but was cut from other checks: it is not as assay wrote it"#);
    assert_snapshot!(said(|report| report["checks"][0]["statement"] = "It may hold.".into()), @r#"assay: 1.json and 1.json say different things of "binfmt.registered": they are not of one run"#);
    assert_snapshot!(said(|report| report["checks"][0]["took"] = json!(-1)), @r#"assay: 1.json says of "binfmt.registered" that it took -1 s: it is not as assay wrote it"#);
    let place = Place::of_two();
    fs::write(place.path().join("2.xml"), "<testsuites/>").unwrap();
    assert_snapshot!(place.refused(&["1.json", "2.xml"]), @"assay: 2.xml is not a report as `assay run --json` writes it: expected value at line 1 column 1");
    assert_snapshot!(place.refused(&["1.json", "missing.json"]), @"assay: cannot read missing.json: No such file or directory (os error 2)");
    assert_snapshot!(place.refused(&["1.json", "2.json", "--html", "missing/whole.html"]), @"assay: cannot write missing/whole.html: the directory missing does not exist");
}

#[test]
fn a_proof_has_no_junit_report() {
    let place = Place::of_two();
    for file in ["1.json", "2.json"] {
        place.change(file, |report| report["purpose"] = "prove".into());
    }
    assert_snapshot!(place.refused(&["1.json", "2.json", "--junit", "whole.xml"]), @"assay: --junit is for runs, and these are the shards of a proof: leave it out");
}
