//! A machine as one check may use it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use record::{Need, Output, Transcript};
use tokio::net::UnixStream;

use super::qemu::{Peer, Vm};
use super::{Contents, Machine, MachineError, Systemd};
use crate::fault::{Cue, Step, Unflushed};

/// Refuses all that the check has not said it needs, so that what checks say is true: of a machine that is somebody's
/// own it decides whether a check may be tried at all.
pub struct Granted {
    machine: Arc<dyn Machine>,
    needs: Arc<[Need]>,
}

impl Granted {
    pub fn new(machine: Arc<dyn Machine>, needs: Arc<[Need]>) -> Granted {
        Granted { machine, needs }
    }

    fn may(&self, need: Need) -> Result<&dyn Machine, MachineError> {
        declared(&self.needs, need).map(|()| &*self.machine)
    }
}

/// That a check has said that it needs this.
pub fn declared(needs: &[Need], need: Need) -> Result<(), MachineError> {
    if needs.contains(&need) { Ok(()) } else { Err(MachineError::Undeclared { need }) }
}

#[async_trait]
impl Machine for Granted {
    fn name(&self) -> &str {
        self.machine.name()
    }

    fn transcript(&self) -> &Transcript {
        self.machine.transcript()
    }

    async fn run_within(&self, command: &str, limit: Duration) -> Result<Output, MachineError> {
        self.machine.run_within(command, limit).await
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError> {
        self.machine.read(path).await
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        self.may(Need::Undo)?.write(path, content, mode).await
    }

    /// What is brought changes nothing that anybody else looks at.
    async fn bring(&self, name: &str, program: &[u8]) -> Result<PathBuf, MachineError> {
        self.machine.bring(name, program).await
    }

    fn began(&self) -> Duration {
        self.machine.began()
    }

    async fn uptime(&self) -> Result<Duration, MachineError> {
        self.machine.uptime().await
    }

    /// To wait uses nothing: a machine on which it would take minutes refuses by itself.
    async fn lapse(&self, time: Duration) -> Result<Duration, MachineError> {
        self.machine.lapse(time).await
    }

    async fn lapse_until(&self, uptime: Duration) -> Result<Duration, MachineError> {
        self.may(Need::Lapse)?.lapse_until(uptime).await
    }

    async fn step_clock(&self, step: Step) -> Result<(), MachineError> {
        self.may(Need::Lapse)?.step_clock(step).await
    }

    async fn set_hardware_clock(&self, time: Duration) -> Result<(), MachineError> {
        self.may(Need::Lapse)?.set_hardware_clock(time).await
    }

    async fn answers(&self, limit: Duration) -> Result<(), MachineError> {
        self.machine.answers(limit).await
    }

    async fn shut_down(&self) -> Result<(), MachineError> {
        self.may(Need::Boot)?.shut_down().await
    }

    async fn ends(&self, limit: Duration) -> Result<(), MachineError> {
        self.may(Need::Boot)?.ends(limit).await
    }

    async fn stop_at(&self, cue: &Cue, command: &str, limit: Duration) -> Result<Duration, MachineError> {
        self.may(Need::Power)?.stop_at(cue, command, limit).await
    }

    async fn go_on(&self) -> Result<(), MachineError> {
        self.may(Need::Power)?.go_on().await
    }

    async fn cut_power(&self, unflushed: Unflushed) -> Result<(), MachineError> {
        self.may(Need::Power)?.cut_power(unflushed).await
    }

    async fn plug(&self, drive: &str) -> Result<(), MachineError> {
        self.may(Need::Drives)?.plug(drive).await
    }

    async fn unplug(&self, drive: &str) -> Result<(), MachineError> {
        self.may(Need::Drives)?.unplug(drive).await
    }

    async fn connect(&self, address: &str, user: Peer<'_>) -> Result<UnixStream, MachineError> {
        self.may(Need::Sockets)?.connect(address, user).await
    }

    async fn systemd(&self) -> Result<&Systemd, MachineError> {
        self.may(Need::Sockets)?.systemd().await
    }

    async fn contents(&self) -> Result<Contents, MachineError> {
        self.may(Need::Disk)?.contents().await
    }

    async fn disk_image(&self) -> Result<File, MachineError> {
        self.may(Need::Disk)?.disk_image().await
    }

    async fn slow_disk(&self, operations: u32) -> Result<(), MachineError> {
        self.may(Need::Disk)?.slow_disk(operations).await
    }

    async fn end(&self) {
        self.machine.end().await;
    }

    fn is_over(&self) -> bool {
        self.machine.is_over()
    }

    fn death(&self) -> BoxFuture<'_, MachineError> {
        self.machine.death()
    }

    fn vm(&self) -> Option<&Vm> {
        self.machine.vm()
    }
}

#[cfg(test)]
mod tests {
    use record::{Outcome, Stop};

    use super::*;
    use crate::fake::Fake;

    fn granted(needs: &[Need]) -> Granted {
        Granted::new(Arc::new(Fake::new("machine")), needs.into())
    }

    async fn writes(machine: &Granted) -> Outcome {
        Ok(machine.write(Path::new("/etc/motd"), b"changed", 0o644).await?)
    }

    async fn plugs(machine: &Granted) -> Outcome {
        Ok(machine.plug("psf").await?)
    }

    async fn steps(machine: &Granted) -> Outcome {
        Ok(machine.step_clock(Step::Forward(Duration::from_secs(600))).await?)
    }

    #[tokio::test]
    async fn what_a_check_has_not_said_it_needs_is_refused_and_leaves_no_trace() {
        let machine = granted(&[]);
        for (tried, need) in [
            (writes(&machine).await, Need::Undo),
            (plugs(&machine).await, Need::Drives),
            (steps(&machine).await, Need::Lapse),
        ] {
            let Err(Stop::Broken(reason)) = tried else { panic!("{need:?} is not refused") };
            assert_eq!(reason, format!("the check uses what it does not say that it needs: {need}"));
        }
        assert!(machine.transcript().take().is_empty());
        assert!(machine.lapse(Duration::from_secs(5)).await.is_ok(), "anybody may wait");
    }

    #[tokio::test]
    async fn what_it_has_said_is_for_the_machine_to_do() {
        let machine = granted(&[Need::Undo, Need::Drives]);
        assert!(writes(&machine).await.is_ok());
        let Err(Stop::Broken(reason)) = plugs(&machine).await else { panic!("a fake has no drives") };
        assert_eq!(reason, "machine has no drives that can be plugged in and pulled out");
    }
}
