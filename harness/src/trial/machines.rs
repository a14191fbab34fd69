//! The machines that a check can have of one stage.

use std::sync::Arc;

use lab::{Drives, Stage};
use machine::Machine;
use machine::qemu::{Clock, Smbios};
use record::{MachineError, Need};

use super::Trial;

/// One stage of the target, for one try of one check.
#[derive(Clone, Copy)]
pub struct Machines<'t> {
    pub(super) trial: &'t Trial,
    pub(super) stage: &'t Stage,
    pub(super) clock: Clock,
}

impl<'t> Machines<'t> {
    /// The same as time-lapse machines, on which guest time passes when it is told to.
    pub fn time_lapse(self) -> Result<Machines<'t>, MachineError> {
        self.trial.may(Need::Lapse)?;
        self.stage.has_time_lapse()?;
        Ok(Machines { clock: Clock::Lapse, ..self })
    }

    /// Whether a processor, not an emulator, executes their instructions.
    pub fn is_accelerated(&self) -> bool {
        self.stage.is_accelerated()
    }

    /// A fork of the provisioned machine, booted with its drives plugged in.
    pub async fn machine(&self) -> Result<Arc<dyn Machine>, MachineError> {
        Ok(self.trial.keep(self.stage.fork(Drives::Plugged, self.clock, &self.trial.transcript).await?))
    }

    /// A fork of the provisioned machine, booted with no drive plugged in.
    pub async fn machine_without_drives(&self) -> Result<Arc<dyn Machine>, MachineError> {
        self.trial.may(Need::Drives)?;
        Ok(self.trial.keep(self.stage.fork(Drives::Absent, self.clock, &self.trial.transcript).await?))
    }

    /// A fork of the provisioned machine that was booted with these OEM strings.
    pub async fn machine_with(&self, smbios: &Smbios) -> Result<Arc<dyn Machine>, MachineError> {
        self.trial.may(Need::Strings)?;
        Ok(self.trial.keep(self.stage.fork_with(smbios, self.clock, &self.trial.transcript).await?))
    }

    /// A machine at the beginning of its boot.
    pub async fn power_on(&self, drives: Drives) -> Result<Arc<dyn Machine>, MachineError> {
        self.trial.may(Need::Boot)?;
        Ok(self.trial.keep(self.stage.power_on(drives, self.clock, &self.trial.transcript).await?))
    }

    /// Powers a machine on with the disk that another has left, however it ended.
    pub async fn power_on_again(
        &self,
        machine: &dyn Machine,
        drives: Drives,
    ) -> Result<Arc<dyn Machine>, MachineError> {
        self.trial.may(Need::Boot)?;
        let left = machine.vm().ok_or_else(|| machine.lacks(Need::Boot))?;
        Ok(self.trial.keep(self.stage.power_on_again(left, drives, &self.trial.transcript).await?))
    }

    /// Shuts a machine down in an orderly way and powers it on again.
    pub async fn reboot(
        &self,
        machine: &dyn Machine,
        drives: Drives,
    ) -> Result<Arc<dyn Machine>, MachineError> {
        machine.shut_down().await?;
        self.power_on_again(machine, drives).await
    }
}
