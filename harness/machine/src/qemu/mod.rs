//! Virtual machines under QEMU.

mod accelerator;
mod agent;
mod arguments;
mod bounded;
mod clock;
mod console;
mod contact;
mod disk;
mod ends;
mod hardware;
mod kernel;
mod monitor;
mod port;
mod process;
pub mod ramfile;
mod smbios;
mod startup;
mod template;
mod vm;
mod write_log;

pub use accelerator::{could_accelerate, kvm_runs, version};
pub use arguments::definition;
pub use clock::Clock;
pub use contact::{Contact, credential};
pub use disk::{DISK_TOOL, Disk, DiskError};
pub use hardware::{Firmware, Hardware};
pub use kernel::Kernel;
pub use smbios::{OemStrings, Smbios, SmbiosError};
pub use startup::Startup;
pub use template::{Frozen, Own, PowerOn, Template};
pub(crate) use vm::word;
pub use vm::{Drive, Peer, ROOT, Vm};
