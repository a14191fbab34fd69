//! What is done to a running machine to see whether its invariants still hold. Each fault is in the transcript.

mod clock;
mod cue;
mod disk;
mod power;
mod process;
mod stop;
mod unit;

use std::time::Instant;

pub use clock::Step;
pub use cue::Cue;
pub use disk::FullDisk;
pub use power::Unflushed;
pub use process::{continues, hang, kill};
pub use unit::{mask, restart, unmask};

use crate::evidence::{Answer, Exchange};
use crate::{Machine, MachineError};

/// Does something to a machine by a shell command that must succeed, as a fault of this name.
async fn inflict(machine: &dyn Machine, fault: String, command: &str) -> Result<String, MachineError> {
    let began = Instant::now();
    let done = machine.succeed(command).await;
    let answer = match &done {
        Ok(_) => Answer::Done,
        Err(error) => Answer::None(error.to_string()),
    };
    machine.transcript().record(Exchange::since(began, machine.name(), &fault, answer));
    done
}

#[cfg(test)]
mod tests;
