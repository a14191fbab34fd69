#![no_main]
//! Any bytes are a report or are refused, and no report regresses against itself.

use harness::gate::{Day, Policy, judge};
use harness::junit::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(report) = read(bytes) {
        let judgement = judge(&report, &report, &Policy::default(), Day::today()).unwrap();
        assert_eq!(judgement.status(), 0);
        assert_eq!(judgement.findings.len(), report.cases.len());
    }
});
