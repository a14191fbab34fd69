//! What the attributes of a case say of its verdict.

use std::fmt;

use super::reader::Attributes;
use super::{Verdict, words};

#[derive(Debug)]
pub struct Status {
    pub verdict: Verdict,
    /// Whether it is known what it means. What is not does not pass.
    pub known: bool,
    /// The attribute that says it.
    name: String,
    value: String,
}

impl Status {
    /// The worst of them.
    pub fn of(attributes: &Attributes) -> Option<Status> {
        let all = attributes.iter().filter_map(|(name, value)| Status::read(name, value));
        all.reduce(|worst, status| if status.verdict > worst.verdict { status } else { worst })
    }

    fn read(name: &str, value: &str) -> Option<Status> {
        let is = |words: [&str; 2]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
        let (yes, no) = (is(["true", "yes"]), is(["false", "no"]));
        let some = value.parse().is_ok_and(|count: u64| count > 0);
        let verdict = match name {
            "status" | "result" | "outcome" | "verdict" | "state" if !value.trim().is_empty() => {
                words::verdict(value)
            }
            "failures" if some => Some(Verdict::Failed),
            "errors" if some => Some(Verdict::Broken),
            "success" | "passed" if no => Some(Verdict::Failed),
            "executed" if no => Some(Verdict::Skipped),
            // `skipped="true"`
            _ if yes => Some(words::verdict(name)?),
            _ => return None,
        };
        let (name, value) = (name.to_owned(), value.to_owned());
        Some(Status { verdict: verdict.unwrap_or(Verdict::Broken), known: verdict.is_some(), name, value })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { name, value, .. } = self;
        let unknown = if self.known { "" } else { " is not known to mean that it passed" };
        write!(f, "{name}={value:?}{unknown}")
    }
}
