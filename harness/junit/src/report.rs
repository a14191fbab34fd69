//! All cases of a report.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Case, Place, Reason};

/// The most cases that a report may have, equal ones counted each.
pub const CASE_LIMIT: usize = 200_000;

/// Every case once, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub cases: Vec<Case>,
}

/// A report that is being read.
#[derive(Default)]
pub struct Cases {
    /// The entries of each case.
    entries: Vec<Vec<Case>>,
    places: HashMap<(Arc<Place>, String, String), usize>,
    count: usize,
}

impl Cases {
    pub fn push(&mut self, case: Case) -> Result<(), Reason> {
        self.count += 1;
        if self.count > CASE_LIMIT {
            return Err(Reason::TooManyCases);
        }
        let identity = (case.place.clone(), case.class.clone(), case.name.clone());
        let place = *self.places.entry(identity).or_insert(self.entries.len());
        match self.entries.get_mut(place) {
            Some(entries) => entries.push(case),
            None => self.entries.push(vec![case]),
        }
        Ok(())
    }

    /// How many there are so far.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn done(self) -> Report {
        Report { cases: self.entries.into_iter().filter_map(Case::of).collect() }
    }
}
