//! Reports to compare in tests.

use crate::junit::{Case, Report, Verdict};

pub fn case(class: &str, name: &str, verdict: Verdict) -> Case {
    let (class, name) = (class.into(), name.into());
    Case { class, name, verdict, message: String::new(), flaky: None, took: None, entries: 1 }
}

pub fn report(cases: impl IntoIterator<Item = Case>) -> Report {
    Report { cases: cases.into_iter().collect() }
}
