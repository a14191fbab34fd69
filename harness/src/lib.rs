//! Boots, forks and breaks whole machines, and decides whether their documented invariants hold.
//!
//! The flow goes one way: a target's image is built, booted, provisioned and frozen into a template;
//! each check gets a fork of it and ends in a verdict; events carry everything to the reports.

// Newer compilers count how deep the futures of machines lie in each other.
#![recursion_limit = "256"]

mod check;
pub mod cli;
mod matrix;
mod panic;
pub mod property;
pub mod replay;
mod runner;
mod trial;

pub use check::{Check, Decide, Furniture, Suite};
pub use trial::{Machines, Prepared, Trial};

pub use host;
pub use image;
pub use image::cache;
pub use junit;
pub use lab;
pub use lab::{Edit, Home, Mutant, Overlay, OverlayError, Setting, Settings, SettingsError, Table, Target};
pub use lab::{provision, settings, target, tree};
pub use machine;
pub use machine::Machine;
pub use machine::{child, fault};
pub use manifest;
pub use record::{
    Accelerator, Answer, Architecture, Cut, Effect, Evidence, Exchange, Invariant, Laid, LaidFile, Level,
    Lifetime, MachineError, MachineKind, Moment, Need, Outcome, Output, Phase, Shard, Source, Start, Status,
    Stop, Text, Transcript, Verdict, Violation, expect, violated,
};
pub use record::{event, secret, text};
pub use report;
pub use report::{Durations, DurationsError};
pub use report::{gate, merge};
