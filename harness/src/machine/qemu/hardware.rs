//! The virtual hardware of a target: what a template and all its forks have in common.

use serde::{Deserialize, Serialize};

use crate::Architecture;

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    Kvm,
    Tcg,
}

/// Everything about a machine that must be the same when its frozen state is continued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware {
    pub architecture: Architecture,
    pub accelerator: Accelerator,
    pub memory_mib: u32,
    pub cpus: u32,
}

impl Hardware {
    /// The program that emulates it.
    pub fn emulator(&self) -> &'static str {
        match self.architecture {
            Architecture::Aarch64 => "qemu-system-aarch64",
            Architecture::X86 => "qemu-system-x86_64",
        }
    }

    /// The kernel's name for the board's first serial port.
    pub fn serial_console(&self) -> &'static str {
        match self.architecture {
            Architecture::Aarch64 => "ttyAMA0",
            Architecture::X86 => "ttyS0",
        }
    }
}
