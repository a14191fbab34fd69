//! Clients of the daemon inside the guest.

use std::collections::BTreeMap;

use harness::{Machine, MachineError, Outcome, Output, Stop, expect};
use serde::Deserialize;

use super::READER;
use crate::omarchy::as_user;
use crate::omarchy::process::Process;

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

/// What a wrapper's program finds in each reader: the status of selecting the PIV application, or no card.
pub async fn found_by(process: &Process<'_>) -> Result<BTreeMap<String, Option<String>>, Stop> {
    #[derive(Deserialize)]
    struct Session {
        readers: BTreeMap<String, Option<String>>,
        refused: Option<String>,
    }
    let Session { readers, refused } = process.ask("card").await?;
    let expected = format!("{}: its program has a session with the daemon", process.wrapper);
    expect(refused.is_none(), expected, refused.unwrap_or_default())?;
    Ok(readers)
}
