//! When a machine lived, and what its start consisted of.

use std::time::{Duration, Instant};

use crate::moment::seconds;
use crate::{Accelerator, Moment};

/// One machine, from the start of its emulator to the end.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lifetime {
    pub machine: String,
    pub start: Start,
    /// What executes its instructions, where that was told: a container has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<Accelerator>,
    pub began: Moment,
    /// None while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Moment>,
    /// In the order they ended.
    #[serde(default)]
    pub phases: Vec<Phase>,
}

/// Where a machine's life began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// In the middle of another's: it goes on from a template that has booted.
    Fork,
    /// Before the first look at a disk: the rest of the boot is its own.
    PowerOn,
    /// At the kernel's first instruction.
    Cold,
    /// At the first process of a container, under the host's kernel.
    Container,
    /// Long before: it is somebody's own, and goes on afterwards.
    Elsewhere,
}

/// A part of a machine's start, such as loading its devices' state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Phase {
    pub what: String,
    pub began: Moment,
    #[serde(with = "seconds")]
    pub took: Duration,
}

impl Phase {
    /// A phase that ends now.
    pub fn since(began: Instant, what: &str) -> Phase {
        Phase { what: what.to_owned(), began: began.into(), took: began.elapsed() }
    }
}
