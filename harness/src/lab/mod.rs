//! Where the machines of one target come from.

mod change;
mod memo;
mod prepare;
mod probe;
mod stage;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use change::Changes;
pub use prepare::{PrepareError, prepare, tell};
pub use stage::{BOOT_LIMIT, Drives, Stage, booted};
use stage::{Templates, timed};
pub use store::KINDS;

use crate::MachineError;
use crate::target::{Given, Rollback};

/// The stages of one target, each of which machines can be had of.
pub struct Lab {
    target: String,
    /// By their names in the target file.
    stages: Vec<(String, Arc<Stage>)>,
    credentials: Option<Arc<Given>>,
    rollback: Option<Arc<Rollback>>,
    /// Where is kept what outlives a failure.
    logs: PathBuf,
}

impl Lab {
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What the guests are to receive, if the target says so.
    pub fn credentials(&self) -> Option<&Given> {
        self.credentials.as_deref()
    }

    /// What its rebuilds can be relied on for, if the target says so.
    pub fn rollback(&self) -> Option<&Rollback> {
        self.rollback.as_deref()
    }

    /// Where is kept what outlives a failure.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// The stage of that name. A target with one stage needs no name.
    pub fn stage(&self, name: Option<&str>) -> Result<&Arc<Stage>, MachineError> {
        let found = match (name, &self.stages[..]) {
            (None, [(_, stage)]) => Some(stage),
            (None, _) => None,
            (Some(name), stages) => stages.iter().find(|(known, _)| known == name).map(|(_, stage)| stage),
        };
        found.ok_or_else(|| MachineError::NoStage {
            target: self.target.clone(),
            stage: name.unwrap_or_default().to_owned(),
            known: self.stages.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The same target with something changed on the disks of one stage.
    pub async fn changed(&self, stage: Option<&str>, changes: &Changes<'_>) -> Result<Lab, MachineError> {
        let changing = self.stage(stage)?;
        let changed = Arc::new(changing.changed(changes).await?);
        let stages = self.stages.iter().map(|(name, stage)| {
            let stage = if Arc::ptr_eq(stage, changing) { &changed } else { stage };
            (name.clone(), stage.clone())
        });
        let (target, credentials) = (self.target.clone(), self.credentials.clone());
        let (rollback, logs) = (self.rollback.clone(), self.logs.clone());
        Ok(Lab { target, stages: stages.collect(), credentials, rollback, logs })
    }
}
