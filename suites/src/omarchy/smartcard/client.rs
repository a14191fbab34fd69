//! Clients of the daemon inside the guest.

use std::collections::BTreeMap;
use std::fmt;

use harness::{Machine, MachineError, Outcome, Output, Stop, expect};
use serde::Deserialize;

use crate::omarchy::process::Process;
use crate::omarchy::settings::{Libraries, Omarchy};

/// A program that lists the readers.
#[derive(Clone, Copy)]
pub enum Client {
    /// Of the daemon's own architecture.
    Native,
    /// Run by the interpreter, with the library that an x86_64 program brings.
    X86_64,
}

impl Client {
    /// Has the user list the readers of the daemon that listens at this socket.
    async fn lists(
        self,
        machine: &dyn Machine,
        omarchy: &Omarchy,
        socket: &str,
    ) -> Result<Output, MachineError> {
        let list = format!("export PCSCLITE_CSOCK_NAME={socket}; {}", self.command(omarchy));
        machine.run(&omarchy.as_user(&list)).await
    }

    fn command(self, omarchy: &Omarchy) -> String {
        let Libraries { system, layer, .. } = &omarchy.library;
        match self {
            Client::Native => "opensc-tool --list-readers".to_owned(),
            Client::X86_64 => {
                format!("LD_LIBRARY_PATH={system}:{layer} {} --list-readers", omarchy.program.opensc_tool)
            }
        }
    }

    /// That it finds the reader.
    pub async fn finds_the_reader(self, machine: &dyn Machine, omarchy: &Omarchy, socket: &str) -> Outcome {
        let listed = self.lists(machine, omarchy, socket).await?;
        let reader = &omarchy.pcscd.reader;
        let found = listed.success() && listed.text().contains(reader);
        expect(found, format!("{self} of the user's finds the reader {reader:?} through {socket}"), listed)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Client::Native => "a client",
            Client::X86_64 => "an x86_64 client",
        })
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
