//! A stage that is like another, but for something that was changed.

use std::sync::Arc;

use super::stage::Templates;
use super::{Changes, Drives, Stage};
use crate::machine::qemu::{Clock, Disk, Template, Vm};
use crate::{Machine, MachineError, Transcript};

impl Stage {
    /// The same target with something changed.
    pub async fn changed(&self, changes: &Changes<'_>) -> Result<Stage, MachineError> {
        let (disk, templates, store) = if !changes.touch_the_disk() {
            (self.disk.clone(), self.templates.clone(), self.store.clone())
        } else if changes.boot() {
            (self.changed_disk(changes).await?, Arc::default(), None)
        } else {
            // The machine goes on as changed, without another boot.
            let doing = async |vm: &Vm| written(changes, vm).await;
            let template: Template = self.template_after(&Transcript::default(), doing).await?;
            (template.disk().clone(), Arc::new(Templates::from(template)), None)
        };
        let provisioning = self.provisioning.as_ref().map(|provisioning| provisioning.changed(changes));
        Ok(Stage { templates, store, provisioning: provisioning.transpose()?, ..self.with(disk) })
    }

    async fn changed_disk(&self, changes: &Changes<'_>) -> Result<Disk, MachineError> {
        let vm = self.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
        written(changes, &vm).await?;
        vm.quit().await;
        Ok(vm.disk().clone())
    }
}

/// Makes changes, and has the disk hold them.
async fn written(changes: &Changes<'_>, vm: &Vm) -> Result<(), MachineError> {
    changes.apply(vm).await?;
    vm.succeed("sync").await.map(drop)
}
