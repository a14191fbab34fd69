//! Stopping a machine at an event.

use std::time::{Duration, Instant};

use super::Cue;
use crate::evidence::{Answer, Exchange};
use crate::machine::qemu::Vm;
use crate::{Machine, MachineError};

impl Vm {
    /// Begins a shell command that is to bring a cue about, unless it is empty, lets time pass, and stops the machine
    /// at the cue: what brought it about has not executed one more instruction outside the kernel. Only a machine with
    /// one processor can be stopped so. Its disk may still complete what it was given before.
    ///
    /// Gives the guest's uptime. The machine stands still until [`Vm::go_on`], or its power is cut. When the cue has
    /// not come within so much guest time, that is an error, and the machine goes on.
    pub async fn stop_at(&self, cue: &Cue, command: &str, limit: Duration) -> Result<Duration, MachineError> {
        let began = Instant::now();
        let stopped = self.stop_by(&cue.order(command, limit), self.real_time(limit)).await;
        let action = match command {
            "" => format!("stop when {cue}"),
            command => format!("stop when {cue}, by `{command}`"),
        };
        let answer = match &stopped {
            Ok(_) => Answer::Done,
            Err(error) => Answer::None(error.to_string()),
        };
        self.transcript().record(Exchange::since(began, self.name(), &action, answer));
        stopped
    }
}
