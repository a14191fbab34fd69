//! Running, stopping and ending a machine.

use std::fs::File;
use std::time::Duration;

use record::MachineError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Vm;
use crate::patience::patient;
use crate::qemu::disk::Disk;
use crate::qemu::{ramfile, write_log};

/// How long a guest may take to shut down.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(60);

/// How long QEMU may take to end in an orderly way.
const QUIT_LIMIT: Duration = Duration::from_secs(10);

/// The largest device state that is kept, in bytes; it is half a megabyte in practice.
const STATE_LIMIT: u64 = 256 << 20;

impl Vm {
    /// Lets the guest run. What it was sent is there when it begins.
    pub async fn resume_with_orders(&self) -> Result<(), MachineError> {
        self.life.during(self.monitor.settle()).await?;
        self.resume().await
    }

    /// Lets the guest run.
    pub async fn resume(&self) -> Result<(), MachineError> {
        self.life.during(self.monitor.resume()).await
    }

    /// Waits until the initramfs is loaded and has not touched a disk yet.
    pub async fn waits_for_disk(&self, limit: Duration) -> Result<(), MachineError> {
        self.line_from(&self.boot, "the initramfs to be ready", limit).await.map(drop)
    }

    /// Has the initramfs mount the root disk and start the system there, with the present time and random
    /// numbers of its own.
    pub(in crate::qemu) async fn boot_from_disk(&self, order: &str) -> Result<(), MachineError> {
        let mut boot = self.boot.lock().await;
        let sent = boot.get_mut().write_all(order.as_bytes()).await;
        sent.map_err(|error| self.refused("tell the initramfs to go on", error))
    }

    /// Stops the guest and gives its device state; memory and disk are then as they were at that moment.
    pub(in crate::qemu) async fn freeze(&self) -> Result<File, MachineError> {
        self.life.during(self.monitor.pause()).await?;
        let mut state = Vec::new();
        let mut stream = self.state.lock().await;
        let mut stream = (&mut *stream).take(STATE_LIMIT);
        let (read, saved) = tokio::join!(stream.read_to_end(&mut state), async {
            let saved = self.life.during(self.monitor.save_state(self.state_number)).await;
            // Only when QEMU is gone does the stream end.
            self.quit().await;
            saved
        });
        saved?;
        read.map_err(|error| self.refused("receive the saved state", error))?;
        ramfile::holding(&state).map_err(|error| self.refused("keep the saved state", error))
    }

    /// Has the next machine find only what was flushed when the log of writes had so many entries.
    pub(crate) async fn lose_writes_after(&self, entries: u64) -> Result<(), MachineError> {
        const ACTION: &str = "lose what was not flushed";
        let log = self.write_log.as_ref();
        let log = log.ok_or_else(|| self.refused(ACTION, "only a time-lapse machine notes its writes"))?;
        let (below, log) = (self.disk.below(), log.try_clone().map_err(|error| self.refused(ACTION, error))?);
        let replayed = self.off_the_runtime(ACTION, move || {
            let image = below.flattened()?;
            write_log::replay(&log, entries, &image)?;
            Disk::image(image)
        });
        let disk = replayed.await?;
        let _ = self.left.set(disk);
        Ok(())
    }

    /// Lets the root disk do at most so many things in a second of real time; 0 for as many as it can.
    pub(crate) async fn throttle_disk(&self, operations: u32) -> Result<(), MachineError> {
        self.life.during(self.monitor.throttle(operations)).await
    }

    /// Ends QEMU in an orderly way, as if the power was cut after the disk had written everything.
    pub async fn quit(&self) {
        // QEMU may be gone before it has answered: either way, it is gone afterwards.
        let mut process = self.process.lock().await;
        if tokio::time::timeout(patient(QUIT_LIMIT), async {
            let _ = self.monitor.quit().await;
            process.gone().await;
        })
        .await
        .is_err()
        {
            process.kill().await;
        }
    }

    /// Waits until the guest has powered itself off or rebooted, which ends QEMU.
    pub async fn ends(&self, limit: Duration) -> Result<(), MachineError> {
        let mut process = self.process.lock().await;
        let limit = patient(limit);
        let gone = tokio::time::timeout(limit, process.gone()).await;
        gone.map_err(|_| self.never("the machine to power off", limit))
    }

    /// Shuts the guest down in an orderly way.
    pub async fn shut_down(&self) -> Result<(), MachineError> {
        self.keep_time().await;
        let ending = async {
            // The agent may be gone before it can answer.
            let asked = self.agent.run("systemctl poweroff", b"", SHUTDOWN_LIMIT);
            let off = self.ends(SHUTDOWN_LIMIT);
            tokio::select! { ended = off => ended, never = async { let _ = asked.await; std::future::pending().await } => never }
        };
        self.recorded("shut down".to_owned(), ending).await
    }

    /// Kills QEMU.
    pub async fn kill(&self) {
        self.process.lock().await.kill().await;
    }
}
