//! Decides whether a change may land: compares the report of a candidate with that of a baseline.
//!
//! What passed before and now failed, is broken, was skipped or is gone is a regression, and so it is where fewer entries of
//! one case pass. A [`Policy`] adds to that what must pass in any case, what may fail until when, how flaky what may be, and
//! how long what may take. A case that is new and fails is told and does not count: nothing got worse. But what failed in
//! a suite that was there before, and is no test, counts. A case that has to pass is `required`.

mod day;
mod finding;
pub mod flake;
pub mod github;
pub mod json;
mod judge;
mod markdown;
mod pace;
mod pair;
pub mod policy;
mod reason;
mod rules;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
pub mod text;

pub use day::{Day, DayError};
pub use finding::{Finding, Kind};
pub use judge::{Judgement, judge};
pub use pace::{Noticeable, Pace};
pub use policy::{Policy, PolicyError};
pub use reason::Reason;
