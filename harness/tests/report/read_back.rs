//! What the gate reads of a JUnit file is what was decided.

use std::time::Duration;

use harness::Verdict;
use harness::junit::{self, Report};
use harness::report::{Purpose, Run};

use crate::junit::written;
use crate::sample::{LATE, REGISTERED, broken, case, failed, mixed, run};

fn read_back(run: &Run) -> Report {
    junit::read(written(run).as_bytes()).unwrap()
}

#[test]
fn every_verdict_with_its_reason() {
    let report = read_back(&mixed());
    let told: Vec<_> = report
        .cases
        .iter()
        .map(|case| (case.class.as_str(), case.name.as_str(), case.verdict.word(), case.message.as_str()))
        .collect();
    let expected = [
        (
            "omarchy.binfmt",
            "binfmt.registered",
            "failed",
            "expected: the flags POCF; observed: the flags POC\\nand no F",
        ),
        ("omarchy.mount", "mount.late", "broken", "the guest agent went away"),
        ("omarchy.mount", "mount.lost", "passed", ""),
        ("omarchy.card", "card.reader", "skipped", "the target has no card reader"),
    ];
    assert_eq!(told, expected);
    assert!(report.cases.iter().all(|case| case.is_ours() && case.took == Some(Duration::from_millis(1234))));
}

#[test]
fn the_time_of_one_repetition() {
    let again = |repetition, verdict| {
        let mut case = case(REGISTERED, verdict);
        (case.repetition, case.took) = (repetition, Duration::from_secs(2));
        case.evidence.journal = "\nrepetition 9: said by a guest".into();
        case
    };
    let cases = vec![again(2, failed()), again(1, Verdict::Passed), again(3, broken())];
    let report = read_back(&run(Purpose::Run, &[REGISTERED, LATE], cases, vec![]));
    let told: Vec<_> = report.cases.iter().map(|case| (case.verdict.word(), case.took)).collect();
    let expected = [("failed", Some(Duration::from_secs(2))), ("broken", Some(Duration::ZERO))];
    assert_eq!(told, expected);
}
