use harness::Verdict;
use harness::event::Case;
use harness::report::json::{Document, write, write_file};
use harness::report::{Purpose, Run, status};

use crate::sample::{LATE, case, flaky, mixed, proof, run, shard};

fn written(run: &Run) -> String {
    let mut out = Vec::new();
    write(&mut out, run).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn of_a_run() {
    insta::assert_snapshot!(written(&mixed()));
}

#[test]
fn of_a_proof() {
    insta::assert_snapshot!(written(&proof()));
}

#[test]
fn repetitions_have_a_rate() {
    let document: Document = serde_json::from_str(&written(&flaky())).unwrap();
    insta::assert_snapshot!(serde_json::to_string(&document.rates).unwrap(), @r#"[{"id":"binfmt.registered","passed":2,"tries":5,"flaky":true,"rate":0.4,"low":0.11762077423264786,"high":0.769275718723987}]"#);
}

#[test]
fn a_rate_names_the_variant_that_it_is_of() {
    let variant = LATE.on("aarch64");
    let again = |repetition| Case { repetition, ..case(variant.clone(), Verdict::Passed) };
    let document =
        Document::from(&run(Purpose::Run, std::slice::from_ref(&variant), vec![again(1), again(2)], vec![]));
    assert_eq!(document.rates[0].id, "mount.late@aarch64");
    assert_eq!(document.rates[0].id, document.checks[0].id);
}

#[test]
fn a_shard_says_what_it_was_cut_from() {
    let document: serde_json::Value = serde_json::from_str(&written(&shard())).unwrap();
    let cut = serde_json::json!({ "shard": "1/2", "from": ["binfmt.registered", "mount.late"] });
    assert_eq!((&document["cut"], &document["overlays"]), (&cut, &serde_json::json!(["d1ge57"])));
}

/// Fields are only ever added, so what came before still has to be read.
#[test]
fn the_first_documents_are_read() {
    let text = include_str!("../fixtures/first.json");
    let document: Document = serde_json::from_str(text).unwrap();
    let [check] = document.checks.as_slice() else { panic!("one check") };
    assert_eq!((check.began, check.evidence.machines.len(), check.evidence.transcript.len()), (None, 0, 2));
}

#[test]
fn what_was_written_is_read_again() {
    for run in [mixed(), proof(), flaky(), shard()] {
        let text = written(&run);
        let read: Document = serde_json::from_str(&text).unwrap();
        assert_eq!(read.status, status(&run));
        let mut again = serde_json::to_string_pretty(&read).unwrap();
        again.push('\n');
        assert_eq!(again, text);
    }
}

#[test]
fn the_file_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json");
    write_file(&path, &mixed()).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written(&mixed()));
}
