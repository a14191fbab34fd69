//! Commands and files inside the guest.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use super::Vm;
use crate::machine::{COMMAND_LIMIT, reading, successful, writing};
use crate::{Machine, MachineError, Output, Transcript};

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
        let output = self.life.during(self.agent.run(&command, b"", COMMAND_LIMIT)).await?;
        Ok(successful(&self.name, &command, output)?.stdout)
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        let command = writing(path, mode);
        let output = self.life.during(self.agent.run(&command, content, COMMAND_LIMIT)).await?;
        successful(&self.name, &command, output).map(drop)
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

    fn is_over(&self) -> bool {
        self.life.is_over()
    }

    async fn end(&self) {
        self.kill().await;
    }
}
