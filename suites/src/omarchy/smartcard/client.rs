//! Clients of the daemon inside the guest.

use harness::{Machine, MachineError, Outcome, Output, expect};

use super::READER;
use crate::omarchy::as_user;

/// A program that lists the readers, and how it finds the daemon.
#[derive(Clone, Copy)]
pub struct Client {
    pub name: &'static str,
    command: &'static str,
}

/// Of the daemon's own architecture.
pub const NATIVE: Client = Client { name: "a client", command: "opensc-tool --list-readers" };

/// Run by the interpreter, with the library that an x86_64 program brings.
pub const X86_64: Client = Client {
    name: "an x86_64 client",
    command: "LD_LIBRARY_PATH=/opt/x86_64/usr/lib/x86_64-linux-gnu:/opt/library-layer/usr/lib/x86_64-linux-gnu \
              /opt/x86_64/usr/bin/opensc-tool --list-readers",
};

impl Client {
    /// Has the user list the readers of the daemon that listens at this socket.
    pub async fn lists(self, machine: &dyn Machine, socket: &str) -> Result<Output, MachineError> {
        machine.run(&as_user(&format!("export PCSCLITE_CSOCK_NAME={socket}; {}", self.command))).await
    }

    /// That it finds the reader.
    pub async fn finds_the_reader(self, machine: &dyn Machine, socket: &str) -> Outcome {
        let listed = self.lists(machine, socket).await?;
        let found = listed.success() && listed.text().contains(READER);
        expect(
            found,
            format!("{} of the user's finds the reader {READER:?} through {socket}", self.name),
            listed,
        )
    }
}
