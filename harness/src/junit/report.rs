//! All cases of a report.

use std::collections::HashMap;

use super::{Case, Reason};

/// The most cases that a report may have, equal names counted each.
pub const CASE_LIMIT: usize = 200_000;

/// Every case once, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub cases: Vec<Case>,
}

/// A report that is being read.
#[derive(Default)]
pub struct Cases {
    report: Report,
    places: HashMap<(String, String), usize>,
    count: usize,
}

impl Cases {
    pub fn push(&mut self, case: Case) -> Result<(), Reason> {
        self.count += 1;
        if self.count > CASE_LIMIT {
            return Err(Reason::TooManyCases);
        }
        let next = self.report.cases.len();
        let place = *self.places.entry((case.class.clone(), case.name.clone())).or_insert(next);
        match self.report.cases.get_mut(place) {
            Some(known) => known.merge(case),
            None => self.report.cases.push(case),
        }
        Ok(())
    }

    pub fn done(self) -> Report {
        self.report
    }
}
