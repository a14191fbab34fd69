//! A suite while its cases are read.

use std::sync::Arc;

use super::answer::Answer;
use super::draft::Draft;
use super::reader::Attributes;
use super::{Case, Place, Reason, Scope, Verdict, words};

/// What a suite that failed is called, as a case of it.
const FAILED: &str = "(a suite that failed)";

/// `testsuite` or `testsuites`.
#[derive(Debug)]
pub struct Suite {
    pub place: Arc<Place>,
    pub name: String,
    draft: Draft,
    counted: Counts,
    /// What its cases show, and those of the suites in it.
    listed: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    tests: u64,
    /// Tests that were skipped. Some producers count them and do not list them.
    skipped: u64,
    /// Failures and errors. Which is which, some producers confuse.
    bad: u64,
}

impl Suite {
    /// A suite in one with the place, or the root.
    pub fn new(element: &str, outer: Option<&Place>, attributes: &Attributes) -> Result<Suite, Reason> {
        let name = attributes.name()?;
        let mut place = outer.cloned().unwrap_or_default();
        if outer.is_some() {
            place.enter(name)?;
            attributes.iter().try_for_each(|(name, value)| place.attribute(name, value))?;
        }
        let place = Arc::new(place);
        let class = if name.is_empty() { element } else { name };
        let draft = Draft::new(place.clone(), class, FAILED, Scope::Suite);
        let name = name.to_owned();
        Ok(Suite { place, name, draft, counted: Counts::read(attributes), listed: Counts::default() })
    }

    /// What it says of itself.
    pub fn draft(&mut self) -> &mut Draft {
        &mut self.draft
    }

    /// Takes note of one of its cases.
    pub fn list(&mut self, case: &Case, bad: u64) {
        self.listed.add(Counts {
            tests: 1,
            skipped: u64::from(case.verdict == Verdict::Skipped),
            bad: bad.max(u64::from(case.verdict.is_bad())),
        });
    }

    /// Takes note of a suite in it. What is missing there is told of that one.
    pub fn enclose(&mut self, inner: &Suite) {
        self.listed.add(Counts {
            tests: inner.listed.tests.max(inner.counted.tests),
            skipped: inner.listed.skipped.max(inner.counted.skipped),
            bad: inner.listed.bad.max(inner.counted.bad),
        });
    }

    /// What there is to say of the suite as a whole: what failed and is no case of it, or that its cases do not show what it
    /// counts.
    pub fn finish(&mut self) -> Option<Case> {
        self.listed.add(Counts { bad: self.draft.bad(), ..Counts::default() });
        let Counts { tests, skipped, bad } = self.listed;
        let hidden = self.counted.skipped.saturating_sub(skipped);
        let unlike = match self.counted {
            counted if counted.bad > bad => {
                Some(format!("it counts {} failures and errors, and {bad} are there", counted.bad))
            }
            counted if counted.tests > tests.saturating_add(hidden) => {
                Some(format!("it counts {} tests, and {tests} are there", counted.tests))
            }
            _ => None,
        };
        if let Some(unlike) = unlike {
            self.draft.answer(Answer::broken());
            self.draft.message(&unlike);
        }
        (self.draft.bad() > 0).then(|| std::mem::take(&mut self.draft).finish())
    }
}

impl Counts {
    fn add(&mut self, more: Counts) {
        self.tests = self.tests.saturating_add(more.tests);
        self.skipped = self.skipped.saturating_add(more.skipped);
        self.bad = self.bad.saturating_add(more.bad);
    }

    fn read(attributes: &Attributes) -> Counts {
        let count =
            |name| attributes.get(name).and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0);
        let says = |name| attributes.get(name).and_then(words::verdict).is_some_and(Verdict::is_bad);
        let bad = count("failures").saturating_add(count("errors"));
        // Catch2 and doctest count assertions.
        let assertions =
            attributes.get("hostname") == Some("tbd") || attributes.get("doctest_version").is_some();
        Counts {
            tests: if assertions { 0 } else { count("tests") },
            skipped: count("skipped").saturating_add(count("disabled")),
            bad: bad.max(u64::from(says("status") || says("result"))),
        }
    }
}
