//! What the machines of a run are.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MachineKind {
    /// Virtual machines
    #[default]
    Vm,
    /// Containers with systemd, for what needs no kernel, power or time of its own; the rest is skipped
    Container,
}
