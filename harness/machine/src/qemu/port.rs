//! The byte channels between the harness and a guest.

/// A channel that every virtual machine has. All are connected sockets handed to QEMU, so that none
/// has a name in a file system and all end with the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// QEMU's own monitor.
    Monitor,
    /// The serial console.
    Console,
    /// The initramfs waits here before it touches a disk.
    Boot,
    /// The QEMU guest agent.
    Agent,
    /// Word that a command of the agent's ends.
    Ends,
    /// The guest's system bus.
    Bus,
    /// What does from the inside of the guest what the host asks.
    Resident,
    /// A terminal, for `assay shell`.
    Terminal,
}

impl Port {
    pub const ALL: [Port; 8] = [
        Port::Monitor,
        Port::Console,
        Port::Boot,
        Port::Agent,
        Port::Ends,
        Port::Bus,
        Port::Resident,
        Port::Terminal,
    ];

    /// The id of its character device in QEMU.
    pub fn id(self) -> &'static str {
        match self {
            Port::Monitor => "monitor",
            Port::Console => "console",
            Port::Boot => "boot",
            Port::Agent => "agent",
            Port::Ends => "ends",
            Port::Bus => "bus",
            Port::Resident => "resident",
            Port::Terminal => "terminal",
        }
    }
}
