//! A stage that is like another, but for something that was changed.

use std::sync::Arc;

use super::memo::Memo;
use super::stage::Templates;
use super::{Changes, Drives, Stage};
use crate::machine::qemu::{Clock, Disk, Template};
use crate::{Machine, MachineError, Transcript};

impl Stage {
    /// The same target with something changed.
    pub async fn changed(&self, changes: &Changes<'_>) -> Result<Stage, MachineError> {
        let (disk, templates, store) = if !changes.touch_the_disk() {
            (self.disk.clone(), self.templates.clone(), self.store.clone())
        } else if changes.boot() {
            (self.changed_disk(changes).await?, Arc::default(), None)
        } else {
            let template = self.changed_template(changes).await?;
            let disk = template.disk().clone();
            (disk, Arc::new(Templates::from(template)), None)
        };
        let provisioning = self.provisioning.as_ref().map(|provisioning| provisioning.changed(changes));
        Ok(Stage {
            name: self.name.clone(),
            kernel: self.kernel.clone(),
            power_on: self.power_on.clone(),
            disk,
            provisioning: provisioning.transpose()?,
            drives: self.drives.clone(),
            templates,
            memo: Memo::default(),
            store,
            listener: self.listener.clone(),
            machines: self.machines.clone(),
        })
    }

    /// The machine goes on as changed, without another boot.
    async fn changed_template(&self, changes: &Changes<'_>) -> Result<Template, MachineError> {
        let seen = Transcript::default();
        let vm = self.fork_to_freeze(&seen).await?;
        changes.apply(&vm).await?;
        vm.succeed("sync").await?;
        Template::freeze(vm, self.drives(Drives::Plugged)).await
    }

    async fn changed_disk(&self, changes: &Changes<'_>) -> Result<Disk, MachineError> {
        let vm = self.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
        changes.apply(&vm).await?;
        vm.succeed("sync").await?;
        vm.quit().await;
        Ok(vm.disk().clone())
    }
}
