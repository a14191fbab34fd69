use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::report::html::{History, Page, write, write_file};
use harness::report::json::Document;
use harness::report::{Purpose, Run};
use harness::text;
use harness::{Answer, Evidence, Exchange, Output, Status, Verdict, Violation};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::properties::{bytes, hostile};
use crate::sample::{LATE, LOST, REGISTERED, at, case, failed, flaky, mixed, proof, run};

fn written(page: &Page) -> String {
    let mut out = Vec::new();
    write(&mut out, page).unwrap();
    String::from_utf8(out).unwrap()
}

/// What stands between two texts that each occur once.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("there is no {before}"));
    rest.split_once(after).unwrap_or_else(|| panic!("there is no {after}")).0
}

const DATA: &str = "<script type=\"application/json\" id=\"data\">";

/// What the script of the page reads.
fn data(page: &Page) -> Value {
    serde_json::from_str(between(&written(page), DATA, "</script>")).unwrap()
}

#[test]
fn the_data_of_a_run_and_a_proof() {
    let documents = [Document::from(&mixed()), Document::from(&proof())];
    insta::assert_snapshot!(serde_json::to_string_pretty(&data(&Page::of(&documents, None))).unwrap());
}

#[test]
fn the_page_is_whole_and_allows_only_its_own_parts() {
    let html = written(&Page::from(&mixed()));
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    assert!(!html.contains("{{") && !html.contains("}}</"), "every part is filled in");
    let policy = between(&html, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    for (kind, open, close) in
        [("script-src", "<script type=\"module\">", "</script>"), ("style-src", "<style>", "</style>")]
    {
        let hash = STANDARD.encode(Sha256::digest(between(&html, open, close)));
        assert!(policy.contains(&format!("{kind} 'sha256-{hash}'")), "{policy}");
        assert_eq!(html.matches(open).count(), 1);
    }
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    // Nothing is fetched, and no element has script or style of its own.
    for never in ["http://", "https://", " style=", " onclick=", " onload=", "@import", "url("] {
        let own = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!own.contains(never), "{never}");
    }
}

#[test]
fn nothing_in_the_script_can_set_markup() {
    let html = written(&Page::from(&mixed()));
    let script = between(&html, "<script type=\"module\">", "</script>");
    for never in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "<!--"]
    {
        assert!(!script.contains(never), "{never}");
    }
}

fn verdicts(page: &Page) -> BTreeMap<String, String> {
    let data = data(page);
    let cases = data["cases"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    cases.map(|case| (text(&case["id"]), text(&case["verdict"]))).collect()
}

#[test]
fn a_run_counts_and_a_proof_only_where_there_is_no_run() {
    let ran = run(Purpose::Run, &[REGISTERED], vec![case(REGISTERED, Verdict::Passed)], vec![]);
    let cases = vec![case(REGISTERED, failed()), case(LATE, failed())];
    let proof = run(Purpose::Prove, &[REGISTERED, LATE], cases, vec![]);
    let found = verdicts(&Page::of(&[Document::from(&proof), Document::from(&ran)], None));
    assert_eq!(found[&*REGISTERED.id], "passed");
    assert_eq!(found[&*LATE.id], "failed");
}

#[test]
fn what_was_never_decided_is_there() {
    let ran = run(Purpose::Run, &[REGISTERED, LATE], vec![case(LATE, Verdict::Passed)], vec![]);
    let found = verdicts(&Page::from(&ran));
    assert_eq!(found[&*REGISTERED.id], "undecided");
    assert_eq!(found[&*LATE.id], "passed");
}

#[test]
fn a_check_whose_verdict_changes_is_flaky_and_not_green() {
    let data = data(&Page::from(&flaky()));
    let case = &data["cases"][0];
    assert_eq!((&case["verdict"], &case["worst"]), (&"failed".into(), &2.into()));
    assert_eq!((&case["rate"]["flaky"], &case["rate"]["passed"]), (&true.into(), &2.into()));
}

#[test]
fn history_counts_each_run_once_and_keeps_the_newest() {
    let document = |day: u64, verdict| Document {
        started: 86_400 * day,
        ..Document::from(&run(Purpose::Run, &[LOST], vec![case(LOST, verdict)], vec![]))
    };
    let mut history = History::default();
    history.add(&Document::from(&proof()));
    for day in (0..250).rev() {
        let verdict = if day >= 240 { failed() } else { Verdict::Passed };
        history.add(&document(day, verdict.clone()));
        history.add(&document(day, verdict));
    }
    let data = data(&Page::of(&[], Some(history.finish())));
    let runs = data["history"]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 200);
    assert_eq!((&runs[0]["started"], &runs[199]["started"]), (&(86_400 * 50).into(), &(86_400 * 249).into()));
    let rates = data["history"]["rates"].as_array().unwrap();
    let [rate] = rates.as_slice() else { panic!("{rates:?}") };
    assert_eq!((&rate["passed"], &rate["tries"]), (&190.into(), &200.into()));
    // It was broken one day, and has been since: that is no chance.
    assert_eq!(rate["flaky"], false);
}

#[test]
fn the_file_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.html");
    let page = Page::from(&mixed());
    write_file(&path, &page).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written(&page));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_can_leave_the_data(
        [target, expected, observed, action, machine, journal, console] in std::array::from_fn(|_| hostile()),
        stdout in bytes(),
    ) {
        let output = Output { status: Status::Exit(0), stdout: stdout.clone(), stderr: stdout.clone() };
        let mut case = case(REGISTERED, Verdict::Failed(Violation { expected: expected.clone(), observed }));
        case.reproduce.clone_from(&action);
        let answer = Answer::Ran(output);
        let exchange = Exchange { machine, action, answer, began: Some(at(1)), took: Default::default() };
        case.evidence = Evidence { transcript: vec![exchange], journal: journal.clone(), console, ..Evidence::default() };
        let mut run: Run = run(Purpose::Run, &[REGISTERED], vec![case], vec![]);
        run.target.clone_from(&target);

        let html = written(&Page::from(&run));
        let empty = written(&Page::of(&[], None));
        let (before, rest) = empty.split_once(DATA).unwrap();
        let (_, after) = rest.split_once("</script>").unwrap();
        let inner = html.strip_prefix(before).and_then(|html| html.strip_prefix(DATA));
        let inner = inner.and_then(|html| html.strip_suffix(after)).and_then(|html| html.strip_suffix("</script>"));
        let inner = inner.expect("around the data, every page is the same");
        prop_assert!(!inner.contains('<'), "{inner}");

        let data: Value = serde_json::from_str(inner).unwrap();
        let attempt = &data["cases"][0]["tries"][0];
        prop_assert_eq!(data["sessions"][0]["target"].as_str().unwrap(), text::line(&target));
        prop_assert_eq!(attempt["expected"].as_str().unwrap(), text::visible(&expected));
        prop_assert_eq!(attempt["evidence"]["journal"].as_str().unwrap(), text::visible(&journal));
        let shown = attempt["evidence"]["transcript"][0]["stdout"].as_str().unwrap();
        prop_assert_eq!(shown, text::visible(&stdout));
    }
}
