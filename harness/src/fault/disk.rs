//! Disks without room, and slow ones.

use super::inflict;
use crate::machine::qemu::Vm;
use crate::machine::quoted;
use crate::{Machine, MachineError};

/// A file system that is full, until it is told otherwise.
#[must_use = "it stays full until `undo`"]
pub struct FullDisk {
    file: String,
}

impl FullDisk {
    /// Fills the file system that holds this directory, to its last block, also those that are root's alone.
    pub async fn at(machine: &dyn Machine, directory: &str) -> Result<FullDisk, MachineError> {
        let file = format!("{}/.assay-full", directory.trim_end_matches('/'));
        let (place, name) = (quoted(directory), quoted(&file));
        // Blocks that are free may still be nobody's to have, so that a byte cannot be written is what tells.
        let probe = quoted(&format!("{}/.assay-probe", directory.trim_end_matches('/')));
        // At once as far as there is room in one piece, then byte by byte; what is kept back for later writes of
        // others is gone after the sync.
        let fill = format!(
            "test -d {place} && {{ fallocate -l $(($(stat -f -c '%f * %S' {place}) * 95 / 100)) {name} || :; }}; \
             sync -f {place}; cat /dev/zero 2>/dev/null >>{name}; sync -f {place}; \
             while dd if=/dev/zero of={name} bs=1k count=64 oflag=append,dsync conv=notrunc 2>/dev/null; do :; done; \
             dd if=/dev/zero of={probe} bs=1 count=1 conv=fsync 2>/dev/null && full=false || full=true; \
             rm -f {probe}; $full"
        );
        inflict(machine, format!("fill the disk that holds {directory}"), &fill).await?;
        Ok(FullDisk { file })
    }

    /// Makes room again.
    pub async fn undo(self, machine: &dyn Machine) -> Result<(), MachineError> {
        let remove = format!("rm {0} && sync -f $(dirname {0})", quoted(&self.file));
        inflict(machine, format!("remove {}", self.file), &remove).await.map(drop)
    }
}

impl Vm {
    /// Lets the root disk do at most so many things in a second of real time; 0 for as many as it can.
    pub async fn slow_disk(&self, operations: u32) -> Result<(), MachineError> {
        let fault = format!("let the disk do {operations} operations a second");
        self.recorded(fault, self.throttle_disk(operations)).await
    }
}
