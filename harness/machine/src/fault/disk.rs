//! Disks without room, and slow ones.

use record::MachineError;

use super::inflict;
use crate::Machine;
use crate::qemu::Vm;
use crate::quoted;

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

/// A file system of its own in memory over a directory, with all that the directory holds and no free block.
pub struct CrampedDisk {
    directory: String,
}

impl CrampedDisk {
    pub async fn over(machine: &dyn Machine, directory: &str) -> Result<CrampedDisk, MachineError> {
        let cramp = format!(
            "copy=$(mktemp -d /run/assay-copy.XXXXXX) && cp -a {0}/. \"$copy\" && \
             mount -t tmpfs -o mode=755 tmpfs {0} && cp -a \"$copy\"/. {0} && rm -r \"$copy\" && \
             set -- $(stat -f -c '%b %f %S' {0}) && mount -o remount,size=$((($1 - $2) * $3)) {0}",
            quoted(directory)
        );
        inflict(machine, format!("leave no room on the disk that holds {directory}"), &cramp).await?;
        Ok(CrampedDisk { directory: directory.to_owned() })
    }

    /// Makes room for one block more.
    pub async fn grow(&self, machine: &dyn Machine) -> Result<(), MachineError> {
        let directory = quoted(&self.directory);
        let grow = format!(
            "set -- $(stat -f -c '%b %S' {directory}) && mount -o remount,size=$((($1 + 1) * $2)) {directory}"
        );
        inflict(machine, format!("make room for a block in {}", self.directory), &grow).await.map(drop)
    }
}

impl Vm {
    /// Lets the root disk do at most so many things in a second of real time; 0 for as many as it can.
    pub async fn slow_disk(&self, operations: u32) -> Result<(), MachineError> {
        let fault = format!("let the disk do {operations} operations a second");
        self.recorded(fault, self.throttle_disk(operations)).await
    }
}
