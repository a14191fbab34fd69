//! Units that are masked or restarted.

use record::MachineError;

use super::inflict;
use crate::Machine;
use crate::quoted;

/// Stops a unit and keeps it from starting, also after a reboot.
pub async fn mask(machine: &dyn Machine, unit: &str) -> Result<(), MachineError> {
    let command = format!("systemctl mask --now {}", quoted(unit));
    inflict(machine, format!("mask {unit}"), &command).await.map(drop)
}

/// Lets a masked unit be started again.
pub async fn unmask(machine: &dyn Machine, unit: &str) -> Result<(), MachineError> {
    let command = format!("systemctl unmask {}", quoted(unit));
    inflict(machine, format!("unmask {unit}"), &command).await.map(drop)
}

/// Restarts a unit and waits until it has started.
pub async fn restart(machine: &dyn Machine, unit: &str) -> Result<(), MachineError> {
    let command = format!("systemctl restart {}", quoted(unit));
    inflict(machine, format!("restart {unit}"), &command).await.map(drop)
}
