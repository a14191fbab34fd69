//! Stopping a machine at an event.

use std::time::Duration;

use record::MachineError;

use super::Cue;
use crate::Machine;
use crate::qemu::Vm;

impl Vm {
    /// As of [`Machine::stop_at`].
    pub async fn stop_at(&self, cue: &Cue, command: &str, limit: Duration) -> Result<Duration, MachineError> {
        let action = match command {
            "" => format!("stop when {cue}"),
            command => format!("stop when {cue}, by `{command}`"),
        };
        let order = cue.order(command, limit);
        let stopping = async {
            let stopped = self.stop_by(&order, self.real_time(limit)).await?;
            let (machine, cue) = (self.name().to_owned(), cue.to_string());
            stopped.ok_or(MachineError::NoCue { machine, cue, limit })
        };
        self.recorded(action, stopping).await
    }
}
