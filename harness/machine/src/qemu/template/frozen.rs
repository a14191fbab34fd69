//! The memory and the devices of a machine that stands still.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use record::{MachineError, Transcript};

use super::not_started;
use crate::qemu::clock::Clock;
use crate::qemu::contact::Contact;
use crate::qemu::disk::Disk;
use crate::qemu::hardware::Hardware;
use crate::qemu::ramfile;
use crate::qemu::smbios::Smbios;
use crate::qemu::vm::{Drive, Plan, Start, Vm};

/// What any number of machines can be continued from.
#[derive(Clone)]
pub struct Frozen {
    pub hardware: Hardware,
    pub smbios: Smbios,
    /// How it is spoken to, if it boots from its own disk.
    pub contact: Option<Contact>,
    /// Nothing may write to it any more: every machine maps it.
    pub memory: Arc<File>,
    pub state: Arc<File>,
}

impl Frozen {
    /// Stops a machine whose memory is shared with its file.
    pub async fn freeze(vm: Vm) -> Result<Frozen, MachineError> {
        let state = Arc::new(vm.freeze().await?);
        Ok(Frozen {
            hardware: vm.hardware.clone(),
            smbios: vm.smbios.clone(),
            contact: vm.contact.clone(),
            memory: vm.memory.clone(),
            state,
        })
    }

    /// A machine that goes on from here. What it writes to memory stays its own.
    pub async fn thaw(&self, own: Own) -> Result<Vm, MachineError> {
        self.continued(own, self.memory.clone(), false).await
    }

    /// A machine that goes on from here and can be frozen in turn.
    pub async fn thaw_for_template(&self, own: Own) -> Result<Vm, MachineError> {
        let memory = ramfile::copy(&self.memory).map_err(|error| not_started(&own.name, &error))?;
        self.continued(own, Arc::new(memory), true).await
    }

    async fn continued(
        &self,
        own: Own,
        memory: Arc<File>,
        memory_is_shared: bool,
    ) -> Result<Vm, MachineError> {
        let Own { name, transcript, disk, drives, clock, time } = own;
        let (hardware, smbios) = (self.hardware.clone(), self.smbios.clone());
        let contact = self.contact.clone();
        let start = Start::Frozen(self.state.clone());
        Vm::launch(Plan {
            name,
            transcript,
            hardware,
            clock,
            time,
            start,
            smbios,
            contact,
            memory,
            memory_is_shared,
            disk,
            drives,
        })
        .await
    }
}

/// What a machine that goes on from a frozen one has of its own.
pub struct Own {
    pub name: String,
    pub transcript: Transcript,
    pub disk: Disk,
    pub drives: Vec<Drive>,
    pub clock: Clock,
    /// The time since 1970 that it is told, unless it is the host's.
    pub time: Option<Duration>,
}
