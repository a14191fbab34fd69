//! The memory and the devices of a machine that stands still.

use std::fs::File;
use std::sync::Arc;

use super::not_started;
use crate::machine::qemu::disk::Disk;
use crate::machine::qemu::hardware::Hardware;
use crate::machine::qemu::ramfile;
use crate::machine::qemu::vm::{Drive, Plan, Start, Vm};
use crate::{MachineError, Transcript};

/// What any number of machines can be continued from.
#[derive(Clone)]
pub struct Frozen {
    pub hardware: Hardware,
    /// Nothing may write to it any more: every machine maps it.
    pub memory: Arc<File>,
    pub state: Arc<File>,
}

impl Frozen {
    /// Stops a machine whose memory is shared with its file.
    pub async fn freeze(vm: Vm) -> Result<Frozen, MachineError> {
        let state = Arc::new(vm.freeze().await?);
        Ok(Frozen { hardware: vm.hardware.clone(), memory: vm.memory.clone(), state })
    }

    /// A machine that goes on from here. What it writes to memory stays its own.
    pub async fn thaw(
        &self,
        name: &str,
        transcript: &Transcript,
        disk: Disk,
        drives: Vec<Drive>,
    ) -> Result<Vm, MachineError> {
        self.continued(name, transcript, disk, drives, self.memory.clone(), false).await
    }

    /// A machine that goes on from here and can be frozen in turn.
    pub async fn thaw_for_template(
        &self,
        name: &str,
        transcript: &Transcript,
        disk: Disk,
        drives: Vec<Drive>,
    ) -> Result<Vm, MachineError> {
        let memory = ramfile::copy(&self.memory).map_err(|error| not_started(name, &error))?;
        self.continued(name, transcript, disk, drives, Arc::new(memory), true).await
    }

    async fn continued(
        &self,
        name: &str,
        transcript: &Transcript,
        disk: Disk,
        drives: Vec<Drive>,
        memory: Arc<File>,
        memory_is_shared: bool,
    ) -> Result<Vm, MachineError> {
        Vm::launch(Plan {
            name: name.to_owned(),
            transcript: transcript.clone(),
            hardware: self.hardware.clone(),
            start: Start::Frozen(self.state.clone()),
            memory,
            memory_is_shared,
            disk,
            drives,
        })
        .await
    }
}
