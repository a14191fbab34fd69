//! What can be wrong with steps, and what can go wrong in provisioning.

use std::path::PathBuf;

use manifest::ManifestError;
use record::{MachineError, Output};

use super::ClosureError;
use crate::tree::TreeError;

/// The steps cannot be a plan. Known before any machine starts.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the files of step {step}: {source}")]
    Files { step: String, source: TreeError },
    #[error("{}: step {id:?}: an id is lower-case letters, digits, dots and dashes", .file.display())]
    BadId { file: PathBuf, id: String },
    #[error("{}: two steps are called {id}", .file.display())]
    Duplicate { file: PathBuf, id: String },
    #[error("{}: step {step} needs {need}, which is no step; the steps are {}", .file.display(), .known.join(", "))]
    UnknownNeed { file: PathBuf, step: String, need: String, known: Vec<String> },
    #[error("{}: steps need each other in a circle: {}", .file.display(), .steps.join(" needs "))]
    Cycle { file: PathBuf, steps: Vec<String> },
    #[error("step {step}: {source}")]
    Closure { step: String, source: ClosureError },
    #[error("{}: step {step} has neither files nor a closure nor commands to apply", .file.display())]
    Idle { file: PathBuf, step: String },
    #[error("{} holds the files of no step: name it like one, or remove it", .0.display())]
    Stray(PathBuf),
}

/// A machine was not provisioned.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("there is no step {id}; the steps are {}", .known.join(", "))]
    NoSuchStep { id: String, known: Vec<String> },
    #[error("step {step} refused, {machine} is unchanged: first provision {}", .missing.join(", "))]
    TooEarly { step: String, machine: String, missing: Vec<String> },
    #[error(
        "step {step} refused, {machine} is unchanged: it needs {what}, but `{probe}` ended with {output}"
    )]
    Unmet { step: String, machine: String, what: String, probe: String, output: Output },
    #[error("step {step}: on {machine} `{command}` failed with {output}")]
    Failed { step: String, machine: String, command: String, output: Output },
    #[error("step {step} was applied to {machine}, but is not there: `{probe}` ended with {output}")]
    NotThere { step: String, machine: String, probe: String, output: Output },
    #[error("step {step}: {source}")]
    Machine { step: String, source: MachineError },
}
