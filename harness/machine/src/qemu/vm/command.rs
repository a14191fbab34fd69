//! Commands and files inside the guest.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use record::{MachineError, Output, Transcript};
use tokio::net::UnixStream;

use super::{Peer, Vm};
use crate::fault::{Cue, Step, Unflushed};
use crate::{COMMAND_LIMIT, Contents, Machine, Systemd, reading, successful, writing};

#[async_trait]
impl Machine for Vm {
    fn name(&self) -> &str {
        &self.name
    }

    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    async fn run_within(&self, command: &str, limit: Duration) -> Result<Output, MachineError> {
        let running = async {
            self.goes_on("run a command").await?;
            self.agent.run(command, b"", limit).await
        };
        self.transcript.ran(&self.name, command, self.life.during(running)).await
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError> {
        let command = reading(path);
        let reading = async {
            successful(
                &self.name,
                &command,
                self.life.during(self.agent.run(&command, b"", COMMAND_LIMIT)).await?,
            )
        };
        Ok(self.transcript.noted(&self.name, &format!("read {}", path.display()), reading).await?.stdout)
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        let command = writing(path, mode);
        let writing = async {
            successful(
                &self.name,
                &command,
                self.life.during(self.agent.run(&command, content, COMMAND_LIMIT)).await?,
            )
        };
        self.transcript.noted(&self.name, &format!("write {}", path.display()), writing).await.map(drop)
    }

    fn began(&self) -> Duration {
        self.began
    }

    async fn uptime(&self) -> Result<Duration, MachineError> {
        Vm::uptime(self).await
    }

    async fn lapse(&self, time: Duration) -> Result<Duration, MachineError> {
        Vm::lapse(self, time).await
    }

    async fn lapse_until(&self, uptime: Duration) -> Result<Duration, MachineError> {
        Vm::lapse_until(self, uptime).await
    }

    async fn step_clock(&self, step: Step) -> Result<(), MachineError> {
        Vm::step_clock(self, step).await
    }

    async fn set_hardware_clock(&self, time: Duration) -> Result<(), MachineError> {
        Vm::set_hardware_clock(self, time).await
    }

    async fn answers(&self, limit: Duration) -> Result<(), MachineError> {
        Vm::answers(self, limit).await
    }

    async fn shut_down(&self) -> Result<(), MachineError> {
        Vm::shut_down(self).await
    }

    async fn ends(&self, limit: Duration) -> Result<(), MachineError> {
        Vm::ends(self, limit).await
    }

    async fn stop_at(&self, cue: &Cue, command: &str, limit: Duration) -> Result<Duration, MachineError> {
        Vm::stop_at(self, cue, command, limit).await
    }

    async fn go_on(&self) -> Result<(), MachineError> {
        Vm::go_on(self).await
    }

    async fn cut_power(&self, unflushed: Unflushed) -> Result<(), MachineError> {
        Vm::cut_power(self, unflushed).await
    }

    async fn plug(&self, drive: &str) -> Result<(), MachineError> {
        Vm::plug(self, drive).await
    }

    async fn unplug(&self, drive: &str) -> Result<(), MachineError> {
        Vm::unplug(self, drive).await
    }

    async fn connect(&self, address: &str, user: Peer<'_>) -> Result<UnixStream, MachineError> {
        Vm::connect(self, address, user).await
    }

    async fn systemd(&self) -> Result<&Systemd, MachineError> {
        Vm::systemd(self).await
    }

    async fn contents(&self) -> Result<Contents, MachineError> {
        Vm::contents(self).await
    }

    async fn disk_image(&self) -> Result<File, MachineError> {
        Vm::disk_image(self).await
    }

    async fn slow_disk(&self, operations: u32) -> Result<(), MachineError> {
        Vm::slow_disk(self, operations).await
    }

    fn is_over(&self) -> bool {
        self.life.is_over()
    }

    async fn end(&self) {
        self.kill().await;
    }

    fn death(&self) -> BoxFuture<'_, MachineError> {
        Box::pin(self.life.over())
    }

    fn vm(&self) -> Option<&Vm> {
        Some(self)
    }
}
