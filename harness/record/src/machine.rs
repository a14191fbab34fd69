//! What the machines of a run are.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineKind {
    /// Virtual machines.
    #[default]
    Vm,
    /// Virtual machines of a disk that boots by itself.
    Image,
    /// Containers with systemd, for what needs no kernel, power or time of its own.
    Container,
    /// One that is somebody's own.
    Ssh,
}

/// What executes a virtual machine's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    Kvm,
    Tcg,
}

/// Of their processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    Aarch64,
    #[serde(rename = "x86_64")]
    X86,
}

impl Architecture {
    /// The name that QEMU, the kernel and Rust use.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Aarch64 => "aarch64",
            Architecture::X86 => "x86_64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
