//! What can go wrong with a machine. None of it decides an invariant.

use std::time::Duration;

use crate::{Need, Output};

#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error("{machine}: the kernel or its init crashed: {line:?}")]
    Crashed { machine: String, line: String },
    #[error("{machine}: the machine is gone: {reason}")]
    Gone { machine: String, reason: String },
    #[error("{machine}: waited {} s for {what}, which never happened", .limit.as_secs())]
    Never { machine: String, what: String, limit: Duration },
    #[error("{machine}: within {} s of the guest it never happened that {cue}", .limit.as_secs())]
    NoCue { machine: String, cue: String, limit: Duration },
    #[error("{machine}: `{command}` failed with {output}")]
    Failed { machine: String, command: String, output: Output },
    #[error("{machine}: cannot {action}: {reason}")]
    Refused { machine: String, action: String, reason: String },
    #[error("{target} does not boot with these changes: {reason}")]
    NotBooted { target: String, reason: String },
    #[error("the target {target} has no stage {stage:?}; it has: {known}")]
    NoStage { target: String, stage: String, known: String },
    #[error("{target} has no time-lapse machines: {reason}")]
    NoTimeLapse { target: String, reason: String },
    #[error("{machine} has no {need}")]
    Lacks { machine: String, need: Need },
    #[error("the check uses what it does not say that it needs: {need}")]
    Undeclared { need: Need },
    #[error("{target} cannot run in containers: {reason}")]
    NoMachines { target: String, reason: String },
    #[error("cannot start {machine}: {reason}")]
    NotStarted { machine: String, reason: String },
    #[error("cannot connect to {machine}: {reason}")]
    NotReached { machine: String, reason: String },
}

impl MachineError {
    pub fn refused(machine: &str, action: &str, reason: impl std::fmt::Display) -> MachineError {
        let (machine, action) = (machine.to_owned(), action.to_owned());
        MachineError::Refused { machine, action, reason: reason.to_string() }
    }

    /// Whether it only says that there are no such machines, so that a check cannot even be tried.
    pub fn is_no_try(&self) -> bool {
        matches!(self, MachineError::NoMachines { .. })
    }
}
