use std::process::Command;

use harness::event::Case;
use harness::report::junit::{STREAM_LIMIT, write, write_file};
use harness::report::{Purpose, Run};
use harness::{Invariant, Verdict};
use uppsala::{XsdValidator, parse};

use crate::sample::{
    CARD, LATE, LOST, REGISTERED, case, evidence, failed, flaky, mixed, run, shard, skipped,
};

const SCHEMA: &str = include_str!("../fixtures/junit.xsd");

pub fn written(run: &Run) -> String {
    let mut out = Vec::new();
    write(&mut out, run).unwrap();
    String::from_utf8(out).unwrap()
}

/// What the schema has against a document.
pub fn objections(xml: &str) -> Vec<String> {
    let schema = parse(SCHEMA).unwrap();
    let validator = XsdValidator::from_schema(&schema).unwrap();
    let document = parse(xml).unwrap();
    validator.validate(&document).iter().map(|error| format!("{error:?}")).collect()
}

#[test]
fn of_a_run() {
    insta::assert_snapshot!(written(&mixed()));
}

#[test]
fn repetitions_are_one_case_with_the_worst_verdict() {
    insta::assert_snapshot!(written(&flaky()));
}

#[test]
fn repetitions_that_agree_have_a_rate_and_are_not_flaky() {
    let again = |repetition| Case { repetition, ..case(LATE, Verdict::Passed) };
    let xml = written(&run(Purpose::Run, &[LATE], vec![again(1), again(2)], vec![]));
    assert!(xml.contains("<![CDATA[2 of 2 passed, 34.2 to 100.0 % with 95 % confidence\n"), "{xml}");
}

#[test]
fn a_shard_says_which_it_is() {
    let xml = written(&shard());
    let document = roxmltree::Document::parse(&xml).unwrap();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    let output = suite.children().find(|node| node.has_tag_name("system-out")).unwrap();
    assert_eq!(output.text(), Some("shard 1/2 of 2 checks"));
}

#[test]
fn the_schema_has_no_objections() {
    let nothing = run(Purpose::Run, &[], vec![], vec![]);
    for run in [mixed(), flaky(), shard(), nothing] {
        assert_eq!(objections(&written(&run)), Vec::<String>::new());
    }
}

/// The validator is trusted because it objects where it must.
#[test]
fn the_schema_objects_to_anything_else() {
    let good = written(&mixed());
    for (from, to) in [
        ("time=\"1.234\"", "time=\"1.2345678\""),
        ("tests=\"1\"", "tests=\"one\""),
        ("tests=\"1\"", ""),
        ("2026-01-01T00:00:00Z", "yesterday"),
        ("<failure", "<fail"),
        ("</testcase>", "<testcase name=\"nested\"/></testcase>"),
        ("mount.lost", "mount.late"),
    ] {
        let bad = match from {
            "<failure" => good.replace("<failure", "<fail").replace("</failure", "</fail"),
            _ => good.replacen(from, to, 1),
        };
        assert_ne!(bad, good, "{from} is not there");
        assert_ne!(objections(&bad), Vec::<String>::new(), "{to:?} for {from:?}");
    }
}

/// A second opinion, where libxml2 is installed.
#[test]
fn xmllint_has_no_objections() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.xml");
    write_file(&path, &mixed()).unwrap();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/junit.xsd");
    let mut xmllint = Command::new("xmllint");
    match xmllint.args(["--noout", "--nonet", "--schema", schema]).arg(&path).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("xmllint is not installed: only the other validator was asked");
        }
        Err(error) => panic!("xmllint did not start: {error}"),
    }
}

#[test]
fn every_planned_check_is_there_once_under_its_id() {
    let planned = [REGISTERED, LATE, LOST, CARD];
    let mut run = run(Purpose::Run, &planned, vec![case(LATE, Verdict::Passed)], vec![]);
    run.interrupted = true;
    let xml = written(&run);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let names: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .map(|case| (case.attribute("classname").unwrap(), case.attribute("name").unwrap()))
        .collect();
    let expected = [
        ("omarchy.binfmt", "binfmt.registered"),
        ("omarchy.mount", "mount.late"),
        ("omarchy.mount", "mount.lost"),
        ("omarchy.card", "card.reader"),
    ];
    assert_eq!(names, expected);
    let errors = document.descendants().filter(|node| node.has_tag_name("error")).count();
    assert_eq!(errors, 3, "what never ended is not absent, and not passed");
}

#[test]
fn a_guest_cannot_write_elements() {
    let injection = "]]></system-out></testcase><testcase name='forged'><failure/><![CDATA[";
    let mut forging = case(REGISTERED, failed());
    forging.evidence = evidence();
    forging.evidence.journal = injection.into();
    let xml = written(&run(Purpose::Run, &[REGISTERED], vec![forging], vec![]));
    let document = roxmltree::Document::parse(&xml).unwrap();
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("testcase")).count(), 1);
    let out = document.descendants().find(|node| node.has_tag_name("system-out")).unwrap();
    assert!(out.text().unwrap().contains(injection));
}

#[test]
fn an_endless_guest_is_cut_in_the_middle() {
    let mut endless = case(REGISTERED, skipped());
    endless.evidence.console = format!("first\n{}last\n", "flood\n".repeat(1 << 20));
    let invariant: Invariant = endless.invariant.clone();
    let xml = written(&run(Purpose::Run, &[invariant], vec![endless], vec![]));
    assert!(xml.len() < 2 * STREAM_LIMIT, "{} bytes", xml.len());
    assert!(xml.contains("| first\n") && xml.contains("| last\n") && xml.contains(" bytes left out ...]"));
}
