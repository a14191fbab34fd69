//! How long a machine's start took.

use std::time::Duration;

/// The parts of a start, up to where the guest can run.
#[derive(Debug, Clone, Copy)]
pub struct Startup {
    /// From starting QEMU until its monitor listens.
    pub emulator: Duration,
    /// Loading the frozen state; nothing for a machine that begins at power-on.
    pub state: Duration,
}
