//! A stage that is like another, but for something that was changed.

use std::sync::Arc;

use machine::Machine;
use machine::qemu::{Clock, Disk, Template};
use record::{MachineError, Transcript};

use super::stage::Templates;
use super::{Changes, Drives, Stage};
use crate::Mutant;

impl Stage {
    /// The same target with something changed.
    pub async fn changed(
        &self,
        changes: &Changes<'_>,
        transcript: &Transcript,
    ) -> Result<Stage, MachineError> {
        let changed = match changes {
            _ if !changes.touch_the_disk() => self.unchanged(),
            Changes::Mutant(mutant) if !mutant.boots => self.running_with(mutant, transcript).await?,
            _ => self.with(self.changed_disk(changes, transcript).await?),
        };
        let provisioning = self.provisioning.as_ref().map(|provisioning| provisioning.changed(changes));
        Ok(Stage { provisioning: provisioning.transpose()?, ..changed })
    }

    fn unchanged(&self) -> Stage {
        let (templates, store) = (self.templates.clone(), self.store.clone());
        Stage { templates, store, running: self.running.clone(), ..self.with(self.disk.clone()) }
    }

    async fn running_with(&self, mutant: &Mutant, transcript: &Transcript) -> Result<Stage, MachineError> {
        let running = Running { before: self.unchanged(), mutant: mutant.clone() };
        let template = running.template(Drives::Plugged, transcript).await?;
        let disk = template.disk().clone();
        let templates = Arc::new(Templates::from(template));
        Ok(Stage { templates, running: Some(Arc::new(running)), ..self.with(disk) })
    }

    async fn changed_disk(
        &self,
        changes: &Changes<'_>,
        transcript: &Transcript,
    ) -> Result<Disk, MachineError> {
        let vm = self.fork(Drives::Plugged, Clock::Real, transcript).await?;
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
        let mutant = self.mutant.clone();
        self.before
            .template_after(drives, transcript, move |machine| {
                Box::pin(async move { written(&Changes::Mutant(&mutant), machine).await })
            })
            .await
    }
}

/// Makes changes, and has the disk hold them.
async fn written(changes: &Changes<'_>, vm: &dyn Machine) -> Result<(), MachineError> {
    changes.apply(vm).await?;
    vm.succeed("sync").await.map(drop)
}
