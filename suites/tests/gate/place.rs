//! A directory with two reports, to gate in.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// The day on which all gates decide.
pub const TODAY: &str = "2026-01-31";

pub struct Place(TempDir);

/// What a gate did.
pub struct Gated {
    pub status: i32,
    pub said: String,
    pub complained: String,
}

impl Place {
    /// With the cases of both reports, as XML.
    pub fn new(baseline: &[&str], candidate: &[&str]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.write("baseline.xml", &report(baseline)).write("candidate.xml", &report(candidate));
        place
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, content: &str) -> &Place {
        fs::write(self.path().join(name), content).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("assay").unwrap();
        command.current_dir(self.path()).args(["gate", "--baseline", "baseline.xml"]);
        command.args(["--candidate", "candidate.xml"]).args(arguments).env("ASSAY_TODAY", TODAY);
        // Wherever these tests run.
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        command
    }

    pub fn gate(&self, arguments: &[&str]) -> Gated {
        gated(&mut self.command(arguments))
    }
}

pub fn gated(command: &mut Command) -> Gated {
    let output = command.output().unwrap();
    Gated {
        status: output.status.code().unwrap(),
        said: String::from_utf8(output.stdout).unwrap(),
        complained: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A report as this project writes it.
fn report(cases: &[&str]) -> String {
    let begin =
        r#"<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite id="0" name="omarchy.binfmt">"#;
    format!("{begin}{}</testsuite></testsuites>", cases.concat())
}

/// A case of one of the families, with what is in it.
fn case(name: &str, inside: &str) -> String {
    let family = name.split('.').next().unwrap();
    format!(r#"<testcase name="{name}" time="1.5" classname="omarchy.{family}">{inside}</testcase>"#)
}

pub fn passed(name: &str) -> String {
    case(name, "<system-out><![CDATA[It holds.\nmust: a.md, 1\n]]></system-out>")
}

pub fn failed(name: &str) -> String {
    case(
        name,
        r#"<failure type="must" message="the flags POC"><![CDATA[expected: the flags POCF]]></failure>"#,
    )
}

pub fn broken(name: &str) -> String {
    case(name, r#"<error type="broken" message="the guest agent went away"/>"#)
}

pub fn skipped(name: &str) -> String {
    case(name, r#"<skipped type="skipped" message="there is no card reader"/>"#)
}

/// Failed sometimes.
pub fn flaky(name: &str, passed: u32, of: u32) -> String {
    let failure = r#"<failure type="must" message="the flags POC"/>"#;
    let output = format!(
        "<system-out><![CDATA[flaky: {passed} of {of} passed, and so on\nIt holds.\n]]></system-out>"
    );
    case(name, &format!("{failure}{output}"))
}
