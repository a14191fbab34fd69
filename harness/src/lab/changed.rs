//! A stage that is like another, but for something that was changed.

use std::sync::Arc;

use super::stage::Templates;
use super::{Changes, Drives, Stage};
use crate::machine::qemu::{Clock, Disk, Template, Vm};
use crate::{Machine, MachineError, Mutant, Transcript};

impl Stage {
    /// The same target with something changed.
    pub async fn changed(&self, changes: &Changes<'_>) -> Result<Stage, MachineError> {
        let changed = match changes {
            _ if !changes.touch_the_disk() => self.unchanged(),
            Changes::Mutant(mutant) if !mutant.boots => self.running_with(mutant).await?,
            _ => self.with(self.changed_disk(changes).await?),
        };
        let provisioning = self.provisioning.as_ref().map(|provisioning| provisioning.changed(changes));
        Ok(Stage { provisioning: provisioning.transpose()?, ..changed })
    }

    fn unchanged(&self) -> Stage {
        let (templates, store) = (self.templates.clone(), self.store.clone());
        Stage { templates, store, running: self.running.clone(), ..self.with(self.disk.clone()) }
    }

    async fn running_with(&self, mutant: &Mutant) -> Result<Stage, MachineError> {
        let running = Running { before: self.unchanged(), mutant: *mutant };
        let template = running.template(Drives::Plugged, &Transcript::default()).await?;
        let disk = template.disk().clone();
        let templates = Arc::new(Templates::from(template));
        Ok(Stage { templates, running: Some(Arc::new(running)), ..self.with(disk) })
    }

    async fn changed_disk(&self, changes: &Changes<'_>) -> Result<Disk, MachineError> {
        let vm = self.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
        written(changes, &vm).await?;
        vm.quit().await;
        Ok(vm.disk().clone())
    }
}

/// Machines that go on as changed, without another boot.
pub(super) struct Running {
    before: Stage,
    mutant: Mutant,
}

impl Running {
    /// The machine that was powered on with these drives, frozen when it had been changed.
    pub(super) async fn template(
        &self,
        drives: Drives,
        transcript: &Transcript,
    ) -> Result<Template, MachineError> {
        let doing = async |vm: &Vm| written(&Changes::Mutant(&self.mutant), vm).await;
        self.before.template_after(drives, transcript, doing).await
    }
}

/// Makes changes, and has the disk hold them.
async fn written(changes: &Changes<'_>, vm: &Vm) -> Result<(), MachineError> {
    changes.apply(vm).await?;
    vm.succeed("sync").await.map(drop)
}
