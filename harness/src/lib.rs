//! Boots, forks and breaks whole machines, and decides whether their documented invariants hold.
//!
//! The flow goes one way: a target's image is built, booted, provisioned and frozen into a template;
//! each check gets a fork of it and ends in a verdict; events carry everything to the reports.

mod architecture;
pub mod cache;
mod check;
pub mod child;
pub mod cli;
pub mod doctor;
mod durations;
pub mod event;
mod evidence;
pub mod fault;
pub mod gate;
pub mod image;
mod invariant;
pub mod junit;
pub mod lab;
mod lifetime;
pub mod machine;
pub mod manifest;
mod matrix;
pub mod merge;
mod moment;
mod need;
mod overlay;
mod panic;
pub mod property;
pub mod provision;
pub mod replay;
pub mod report;
mod runner;
pub mod secret;
pub mod settings;
mod shard;
mod tail;
pub mod target;
pub mod tree;
mod trial;
mod verdict;

pub use architecture::Architecture;
pub use check::{Check, Decide, Edit, Furniture, Mutant, Suite, Text};
pub use durations::{Durations, DurationsError};
pub use evidence::{Answer, Evidence, Exchange, Output, Status, Transcript};
pub use invariant::{Invariant, Level, Source};
pub use lifetime::{Lifetime, Phase, Start};
pub use machine::{Machine, MachineError, MachineKind};
pub use moment::Moment;
pub use need::Need;
pub use overlay::{Effect, Laid, LaidFile, Overlay, OverlayError};
pub use settings::{Setting, Settings, SettingsError, Table};
pub use shard::{Cut, Shard};
pub use target::{Home, Target};
pub use trial::{Machines, Prepared, Trial};
pub use verdict::{Outcome, Stop, Verdict, Violation, expect, violated};
