//! Processes that die or hang.

use record::MachineError;

use super::inflict;
use crate::Machine;
use crate::quoted;

/// Kills the main process of a unit, as a crash would, and tells whether it had one.
pub async fn kill(machine: &dyn Machine, unit: &str) -> Result<bool, MachineError> {
    match signal(machine, unit, "KILL", format!("kill {unit}")).await {
        Ok(()) => Ok(true),
        Err(MachineError::Failed { output, .. })
            if output.stderr.windows(NONE.len()).any(|text| text == NONE) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// What `systemctl kill` says, with no status of its own, of a unit that runs nothing at that moment.
const NONE: &[u8] = b"No main process to kill";

/// Has all processes of a unit stand still, as if they hung, until they are to continue.
pub async fn hang(machine: &dyn Machine, unit: &str) -> Result<(), MachineError> {
    signal(machine, unit, "STOP", format!("hang {unit}")).await
}

/// Lets the processes of a unit that hangs continue.
pub async fn continues(machine: &dyn Machine, unit: &str) -> Result<(), MachineError> {
    signal(machine, unit, "CONT", format!("let {unit} continue")).await
}

async fn signal(machine: &dyn Machine, unit: &str, signal: &str, fault: String) -> Result<(), MachineError> {
    let whom = if signal == "KILL" { "main" } else { "all" };
    let command = format!("systemctl kill --kill-whom={whom} --signal={signal} {}", quoted(unit));
    inflict(machine, fault, &command).await.map(drop)
}
