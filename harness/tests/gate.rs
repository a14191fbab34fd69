//! What holds for all reports and lock files.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use harness::gate::flake::{Lock, changes};
use harness::gate::{Day, Judgement, Kind, Policy, Reason, judge};
use harness::junit::{Case, Flaky, Place, Report, Scope, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![Verdict::Passed, Verdict::Skipped, Verdict::Broken, Verdict::Failed])
}

/// Few places, classes and names, so that they meet; those of this project and others.
fn case() -> impl Strategy<Value = Case> {
    let some = |names: [&'static str; 2]| prop::option::of(prop::sample::select(names.to_vec()));
    let place = (some(["draw", "erase"]), some(["firefox", "chrome"]), some(["a.js", "b.js"])).prop_map(
        |(suite, host, source)| {
            let [suites, hosts, sources] =
                [suite, host, source].map(|name| name.map(Arc::from).into_iter().collect());
            Arc::new(Place { suites, hosts, sources })
        },
    );
    let class = prop::sample::select(vec!["arm.binfmt", "x86.binfmt", "cart", ""]);
    let name = prop::sample::select(vec!["binfmt.flags", "binfmt.order", "adds", "a/b"]);
    let scope = prop::sample::select(vec![Scope::Test, Scope::Class, Scope::Suite]);
    let flaky = prop::option::of((0u32..9).prop_map(|passed| Flaky { passed, of: 9 }));
    let took = prop::option::of((0u64..100).prop_map(Duration::from_secs));
    (place, class, name, scope, verdict(), flaky, took).prop_map(
        |(place, class, name, scope, verdict, flaky, took)| {
            let passed =
                u32::from(verdict == Verdict::Passed).max(flaky.map_or(0, |flaky| flaky.passed.min(1)));
            Case { place, scope, flaky, took, passed, ..Case::new(class, name, verdict) }
        },
    )
}

/// No two cases that are known by the same: those are made one when a report is read.
fn report() -> impl Strategy<Value = Report> {
    vec(case(), 0..8).prop_map(|mut cases| {
        let mut known = HashSet::new();
        cases.retain(|case| known.insert((case.place.clone(), case.class.clone(), case.name.clone())));
        Report { cases }
    })
}

fn gated(before: &Report, after: &Report) -> Judgement {
    judge(before, after, &Policy::default(), Day::today()).unwrap()
}

proptest! {
    #[test]
    fn nothing_regresses_against_itself(report in report()) {
        let judgement = gated(&report, &report);
        prop_assert_eq!(judgement.status(), 0);
        prop_assert_eq!(judgement.findings.len(), report.cases.len());
        for finding in &judgement.findings {
            prop_assert!(matches!(finding.kind, Kind::Same | Kind::StillFailing | Kind::StillBroken));
            prop_assert_eq!(finding.before, finding.after);
        }
    }

    /// Every case of both is told once, as what it is.
    #[test]
    fn nothing_is_lost(before in report(), after in report()) {
        let judgement = gated(&before, &after);
        for (report, told) in [(&before, 0), (&after, 1)] {
            let mut verdicts: Vec<_> = judgement
                .findings
                .iter()
                .filter_map(|finding| [finding.before, finding.after][told])
                .collect();
            let mut expected: Vec<_> = report.cases.iter().map(|case| case.verdict).collect();
            verdicts.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(verdicts, expected);
        }
    }

    #[test]
    fn what_no_longer_passes_is_a_regression_and_nothing_else_is(before in report(), after in report()) {
        for finding in gated(&before, &after).findings {
            let lost = finding.before == Some(Verdict::Passed) && finding.after != Some(Verdict::Passed);
            let lost = lost || finding.reasons.iter().any(|reason| match reason {
                Reason::PassedMoreBefore { before, after } => after < before,
                Reason::NewInSuite => finding.before.is_none() && finding.after.is_some_and(Verdict::is_bad),
                _ => false,
            });
            prop_assert_eq!(finding.kind == Kind::Regression, lost, "{:?}", finding);
            prop_assert_eq!(!finding.reasons.is_empty(), lost);
        }
    }

    #[test]
    fn any_bytes_are_a_lock_file_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        if let Ok(lock) = Lock::parse(&bytes) {
            prop_assert_eq!(changes(&lock, &lock), vec![]);
        }
    }

    #[test]
    fn any_graph_is_a_lock_file_or_refused(nodes in vec(vec(link(), 0..4), 1..5)) {
        let nodes: serde_json::Map<_, _> = nodes
            .into_iter()
            .enumerate()
            .map(|(number, links)| {
                let inputs: serde_json::Map<_, _> =
                    links.into_iter().enumerate().map(|(number, link)| (number.to_string(), link)).collect();
                (number.to_string(), serde_json::json!({ "inputs": inputs }))
            })
            .collect();
        let lock = serde_json::json!({ "version": 7, "root": "0", "nodes": nodes }).to_string();
        if let Ok(lock) = Lock::parse(lock.as_bytes()) {
            prop_assert_eq!(changes(&lock, &lock), vec![]);
        }
    }
}

/// The name of a node, or a path of inputs.
fn link() -> impl Strategy<Value = serde_json::Value> {
    let name = || (0u32..4).prop_map(|number| number.to_string());
    prop_oneof![name().prop_map(serde_json::Value::from), vec(name(), 0..3).prop_map(serde_json::Value::from)]
}
