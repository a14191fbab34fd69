//! The virtual hardware of a target: what a template and all its forks have in common.

use std::fs::File;
use std::io;
use std::path::Path;

use record::{Accelerator, Architecture};
use serde::{Deserialize, Serialize};

/// What a machine starts before its kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// What the board has: SeaBIOS on `q35`, nothing on `virt`.
    #[default]
    Board,
    Uefi,
}

impl Firmware {
    /// The firmware's file, unless the board brings its own.
    pub fn open(self, architecture: Architecture) -> io::Result<Option<File>> {
        let files = match self {
            Firmware::Board => &[],
            Firmware::Uefi => host::firmware(architecture.name()),
        };
        let Some(first) = files.first() else { return Ok(None) };
        let there = files.iter().find(|file| Path::new(file).exists());
        File::open(there.unwrap_or(first)).map(Some).map_err(|error| {
            let reason = format!("UEFI firmware {first}: {error}; `assay doctor` tells how to install it");
            io::Error::new(error.kind(), reason)
        })
    }
}

/// Everything about a machine that must be the same when its frozen state is continued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware {
    pub architecture: Architecture,
    pub accelerator: Accelerator,
    pub firmware: Firmware,
    pub memory_mib: u32,
    pub cpus: u32,
    /// Whether its processor can have guests of its own, so that it is a host with KVM.
    pub virtualization: bool,
}

impl Hardware {
    /// The program that emulates it.
    pub fn emulator(&self) -> &'static str {
        match self.architecture {
            Architecture::Aarch64 => "qemu-system-aarch64",
            Architecture::X86 => "qemu-system-x86_64",
        }
    }

    /// Whether guest time can follow the instructions that the guest has executed.
    ///
    /// Under OVMF it would cost a minute: OVMF waits 0.75 s for a TPM, and to see that they are over it reads the
    /// ACPI timer 30 million times, each of which ends a block of translated code when instructions are counted.
    pub fn counts_instructions(&self) -> bool {
        let ovmf = (Architecture::X86, Firmware::Uefi);
        let counts = self.accelerator == Accelerator::Tcg && (self.architecture, self.firmware) != ovmf;
        // A host's own guests keep it busy, and its processors are to run at the same time.
        counts && !self.virtualization
    }

    /// The kernel's name for the board's first serial port.
    pub fn serial_console(&self) -> &'static str {
        match self.architecture {
            Architecture::Aarch64 => "ttyAMA0",
            Architecture::X86 => "ttyS0",
        }
    }
}
