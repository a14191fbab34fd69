//! Boots, forks and breaks whole machines, and decides whether their documented invariants hold.
//!
//! The flow goes one way: a target's image is built, booted, provisioned and frozen into a template;
//! each check gets a fork of it and ends in a verdict; events carry everything to the reports.

pub mod event;
mod evidence;
mod invariant;
pub mod machine;
pub mod manifest;
mod overlay;
pub mod provision;
pub mod target;
pub mod tree;
mod verdict;

pub use evidence::{Answer, Evidence, Exchange, Output, Status, Transcript};
pub use invariant::{Invariant, Level, Source};
pub use machine::{Machine, MachineError};
pub use overlay::{Overlay, OverlayError};
pub use target::{Home, Target};
pub use verdict::{Outcome, Stop, Verdict, Violation, expect, violated};
