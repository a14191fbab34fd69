//! Virtual machines under QEMU.

mod agent;
mod arguments;
mod bounded;
mod console;
mod disk;
mod hardware;
mod life;
mod monitor;
mod port;
mod process;
mod ramfile;
mod template;
mod vm;

pub use disk::Disk;
pub use hardware::{Accelerator, Architecture, Hardware};
pub use template::{PowerOn, Template};
pub use vm::{Drive, Vm};
