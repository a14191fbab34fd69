//! Stopping a machine at an event.

use std::time::Duration;

use super::Cue;
use crate::MachineError;
use crate::machine::qemu::Vm;

/// What the resident says of a cue that has not come.
const NEVER: &str = "it never happened";

impl Vm {
    /// Begins a shell command that is to bring a cue about, unless it is empty, lets time pass, and stops the machine
    /// at the cue: what brought it about has not executed one more instruction outside the kernel. Only a machine with
    /// one processor can be stopped so. Its disk may still complete what it was given before.
    ///
    /// Gives the guest's uptime. The machine stands still until [`Vm::go_on`], or its power is cut. When the cue has
    /// not come within so much guest time, that is [`MachineError::NoCue`], and the machine goes on.
    pub async fn stop_at(&self, cue: &Cue, command: &str, limit: Duration) -> Result<Duration, MachineError> {
        let action = match command {
            "" => format!("stop when {cue}"),
            command => format!("stop when {cue}, by `{command}`"),
        };
        let order = cue.order(command, limit);
        let stopping = async {
            match self.stop_by(&order, self.real_time(limit)).await {
                Err(MachineError::Refused { machine, reason, .. }) if reason == NEVER => {
                    Err(MachineError::NoCue { machine, cue: cue.to_string(), limit })
                }
                other => other,
            }
        };
        self.recorded(action, stopping).await
    }
}
