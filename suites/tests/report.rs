//! What `assay report` makes of files, good and bad.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use insta::assert_snapshot;
use tempfile::TempDir;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../harness/tests/fixtures/omarchy.json");

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The status, and what was complained of.
    fn report(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::cargo_bin("assay").unwrap();
        command.current_dir(self.path()).arg("report").args(arguments);
        let output = command.timeout(std::time::Duration::from_secs(60)).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let (status, said) = self.report(arguments);
        assert_eq!(status, 2, "{said}");
        assert!(!self.path().join("report.html").exists(), "a page was written all the same");
        said
    }
}

#[test]
fn one_page_is_made_of_runs_and_their_history() {
    let place = Place::new();
    fs::create_dir(place.path().join("earlier")).unwrap();
    let run = fs::read_to_string(RECORDED).unwrap();
    let earlier = run.replacen("\"started\": 17952", "\"started\": 17951", 1);
    assert_ne!(earlier, run);
    fs::write(place.path().join("earlier/1.json"), earlier).unwrap();
    let (status, said) = place.report(&[RECORDED, "--html", "report.html", "--history", "earlier"]);
    assert_eq!((status, said.as_str()), (0, ""));
    let page = fs::read_to_string(place.path().join("report.html")).unwrap();
    assert!(page.contains("binfmt.consumer-recovers") && page.contains("\"passed\":2,\"tries\":2"));
}

#[test]
fn a_file_that_is_no_report_is_named() {
    let place = Place::new();
    fs::write(place.path().join("junit.json"), "<testsuites/>").unwrap();
    fs::write(place.path().join("later.json"), "{ \"format\": 2 }").unwrap();
    assert_snapshot!(place.refused(&["missing.json", "--html", "report.html"]), @"
    assay: cannot read missing.json: No such file or directory (os error 2)
    ");
    assert_snapshot!(place.refused(&[RECORDED, "junit.json", "--html", "report.html"]), @"
    assay: junit.json is not a report as `assay run --json` writes it: expected value at line 1 column 1
    ");
    assert_snapshot!(place.refused(&["later.json", "--html", "report.html"]), @"
    assay: later.json has format 2, and this assay reads format 1: use the assay that wrote it
    ");
    assert_snapshot!(place.refused(&[".", "--html", "report.html"]), @"
    assay: cannot read .: Is a directory (os error 21)
    ");
    assert_snapshot!(place.refused(&[RECORDED, "--html", "report.html", "--history", "missing"]), @"
    assay: cannot read missing: No such file or directory (os error 2)
    ");
    assert_snapshot!(place.refused(&[RECORDED, "--html", "report.html", "--history", "."]), @"
    assay: ./junit.json is not a report as `assay run --json` writes it: expected value at line 1 column 1
    ");
}

#[test]
fn a_page_that_cannot_be_written_is_told_before_anything_is_read() {
    let place = Place::new();
    let (status, said) = place.report(&["missing.json", "--html", "nowhere/report.html"]);
    assert_eq!(status, 2);
    assert_snapshot!(said, @"
    assay: cannot write nowhere/report.html: the directory nowhere does not exist
    ");
}

#[test]
fn files_and_a_page_must_be_named() {
    let place = Place::new();
    assert!(place.refused(&["--html", "report.html"]).contains("<FILE>..."));
    assert!(place.refused(&[RECORDED]).contains("--html <FILE>"));
}
