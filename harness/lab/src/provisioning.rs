//! How the disk of a stage came to be.

use std::sync::Arc;

use record::MachineError;

use super::{Changes, Stage};
use crate::provision::Plan;

/// The steps of a stage, and the stage before any of them was run.
#[derive(Clone)]
pub struct Provisioning {
    pub(super) plan: Plan,
    pub(super) image: Arc<Stage>,
}

impl Provisioning {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn image(&self) -> &Stage {
        &self.image
    }

    pub(super) fn changed(&self, changes: &Changes<'_>) -> Result<Provisioning, MachineError> {
        Ok(Provisioning { plan: changes.plan(self.image.name(), &self.plan)?, image: self.image.clone() })
    }
}
