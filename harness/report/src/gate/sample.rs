//! Reports to compare in tests.

use junit::{Case, Report, Verdict};

pub fn case(class: &str, name: &str, verdict: Verdict) -> Case {
    Case::new(class, name, verdict)
}

pub fn report(cases: impl IntoIterator<Item = Case>) -> Report {
    Report { cases: cases.into_iter().collect() }
}
