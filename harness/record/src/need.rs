//! What a check asks of a machine beyond commands and what files say.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One such thing. A check names all that it uses, and is tried only where each can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// It changes files or units, and somebody undoes that: without it a check only looks.
    Undo,
    /// Machines that are powered on and shut down.
    Boot,
    /// Power that is cut, and a machine that stands still at an event.
    Power,
    /// Hours that pass in seconds, and a clock that is set.
    Lapse,
    /// Drives that are plugged in and pulled out.
    Drives,
    /// Sockets of the machine that a program on this host connects to.
    Sockets,
    /// A smart card in its reader.
    Token,
    /// A disk that is read from outside, or slowed.
    Disk,
    /// OEM strings that its firmware finds.
    Strings,
}

impl Need {
    pub const ALL: [Need; 9] = [
        Need::Undo,
        Need::Boot,
        Need::Power,
        Need::Lapse,
        Need::Drives,
        Need::Sockets,
        Need::Token,
        Need::Disk,
        Need::Strings,
    ];

    /// As target files, options and reports call it.
    pub fn word(self) -> &'static str {
        match self {
            Need::Undo => "undo",
            Need::Boot => "boot",
            Need::Power => "power",
            Need::Lapse => "lapse",
            Need::Drives => "drives",
            Need::Sockets => "sockets",
            Need::Token => "token",
            Need::Disk => "disk",
            Need::Strings => "strings",
        }
    }
}

/// What it is, for people.
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::Undo => "changes that are undone",
            Need::Boot => "boots of its own",
            Need::Power => "power that can be cut",
            Need::Lapse => "a clock that can be let run ahead",
            Need::Drives => "drives that can be plugged in and pulled out",
            Need::Sockets => "sockets that this host can connect to",
            Need::Token => "a reader for a smart card of this host's",
            Need::Disk => "a disk that can be read from outside",
            Need::Strings => "OEM strings of the check's choice",
        })
    }
}
