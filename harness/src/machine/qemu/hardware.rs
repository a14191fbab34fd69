//! The virtual hardware of a target: what a template and all its forks have in common.

use serde::{Deserialize, Serialize};

/// The processor architecture of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// QEMU's `virt` board.
    Aarch64,
    /// QEMU's `q35` board.
    X86_64,
}

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

impl Architecture {
    /// The name that QEMU, Debian's kernel and `uname -m` use.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Aarch64 => "aarch64",
            Architecture::X86_64 => "x86_64",
        }
    }

    /// The program that emulates it.
    pub fn emulator(self) -> &'static str {
        match self {
            Architecture::Aarch64 => "qemu-system-aarch64",
            Architecture::X86_64 => "qemu-system-x86_64",
        }
    }

    /// The kernel's name for the board's first serial port.
    pub fn serial_console(self) -> &'static str {
        match self {
            Architecture::Aarch64 => "ttyAMA0",
            Architecture::X86_64 => "ttyS0",
        }
    }
}
