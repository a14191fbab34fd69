//! What is done to a running machine to see whether its invariants still hold. Each fault is in the transcript.

mod clock;
mod cue;
mod disk;
mod power;
mod process;
mod stop;
mod unit;

pub use clock::Step;
pub use cue::Cue;
pub use disk::{CrampedDisk, FullDisk};
pub use power::Unflushed;
pub use process::{continues, hang, kill};
pub use unit::{mask, restart, unmask};

use record::MachineError;

use crate::Machine;

/// Does something to a machine by a shell command that must succeed, as a fault of this name.
async fn inflict(machine: &dyn Machine, fault: String, command: &str) -> Result<String, MachineError> {
    machine.transcript().noted(machine.name(), &fault, machine.succeed(command)).await
}

#[cfg(test)]
mod tests;
