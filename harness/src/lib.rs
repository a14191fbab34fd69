//! Boots, forks and breaks whole machines, and decides whether their documented invariants hold.
//!
//! The flow goes one way: a target's image is built, booted, provisioned and frozen into a template;
//! each check gets a fork of it and ends in a verdict; events carry everything to the reports.

pub mod doctor;
pub mod event;
mod evidence;
mod invariant;
pub mod machine;
mod verdict;

pub use evidence::{Answer, Evidence, Exchange, Output, Status, Transcript};
pub use invariant::{Invariant, Level, Source};
pub use machine::{Machine, MachineError};
pub use verdict::{Outcome, Stop, Verdict, Violation, expect, violated};
