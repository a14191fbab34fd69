//! Where in a report a case is.

use std::sync::Arc;

use super::{NAME_LIMIT, Reason};

/// The most of all names that a place is made of, in bytes.
pub const PLACE_LIMIT: usize = 4 * NAME_LIMIT;

/// One for all places that have it, however many suites there are in a suite.
pub type Name = Arc<str>;

/// What a producer says of a case besides its class and name, each from the outermost suite to the case itself. What it
/// says of the root is left out: that is the same for all cases of a report, and may be a title with a number or a date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// The names of the suites.
    pub suites: Vec<Name>,
    /// `hostname`: the machine, but with Playwright the browser.
    pub hosts: Vec<Name>,
    /// `package` and `file`.
    pub sources: Vec<Name>,
}

impl Place {
    /// Takes note of an attribute of a suite or case, if it is about the place.
    pub fn attribute(&mut self, name: &str, value: &str) -> Result<(), Reason> {
        let part = match name {
            "hostname" => &mut self.hosts,
            "package" | "file" => &mut self.sources,
            _ => return Ok(()),
        };
        if !value.is_empty() {
            part.push(value.into());
        }
        self.check()
    }

    /// Goes into a suite.
    pub fn enter(&mut self, suite: &str) -> Result<(), Reason> {
        if !suite.is_empty() {
            self.suites.push(suite.into());
        }
        self.check()
    }

    fn check(&self) -> Result<(), Reason> {
        let parts = [&self.suites, &self.hosts, &self.sources];
        let length: usize = parts.into_iter().flatten().map(|name| name.len()).sum();
        if length > PLACE_LIMIT { Err(Reason::PlaceTooLong) } else { Ok(()) }
    }
}
