//! Containers with systemd as their first process, in a Docker engine.

mod archive;
mod engine;
mod exec;
mod start;

use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::BoxFuture;
use testcontainers::{ContainerAsync, GenericImage};
use tokio::sync::Mutex;

pub use engine::{Engine, EngineError, NoEngine, Passing, Snapshot};
pub use start::Plan;

use record::{MachineError, Output, Transcript};

use super::{COMMAND_LIMIT, reading, successful, writing};
use crate::Machine;
use crate::life::Life;

/// A running container. It ends with the harness, however that ends: a process in it listens to a connection that the
/// harness holds, and the engine removes what has ended.
pub struct Container {
    name: String,
    transcript: Transcript,
    life: Life,
    engine: Engine,
    id: String,
    container: Mutex<Option<ContainerAsync<GenericImage>>>,
    /// Closed, it ends the container.
    held: Mutex<Option<exec::Input>>,
    started: Instant,
    began: Duration,
}

impl Container {
    /// Makes an image of its disk as it is now, which stays; file systems in memory are not part of it.
    pub async fn commit(&self, name: &str, tag: &str) -> Result<Snapshot, MachineError> {
        self.committed(Some((name, tag))).await
    }

    /// The same for this run only.
    pub async fn commit_passing(&self) -> Result<Passing, MachineError> {
        Ok(self.engine.guard(self.committed(None).await?))
    }

    async fn committed(&self, named: Option<(&str, &str)>) -> Result<Snapshot, MachineError> {
        let committed = self.engine.commit(&self.id, named).await;
        committed.map_err(|error| self.refused("make an image of its disk", error))
    }

    fn refused(&self, action: &str, reason: impl std::fmt::Display) -> MachineError {
        MachineError::refused(&self.name, action, reason)
    }
}

#[async_trait]
impl Machine for Container {
    fn name(&self) -> &str {
        &self.name
    }

    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn began(&self) -> Duration {
        self.began
    }

    async fn run_within(&self, command: &str, limit: Duration) -> Result<Output, MachineError> {
        self.transcript.ran(&self.name, command, self.exec(command, b"", limit)).await
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError> {
        let command = reading(path);
        let reading =
            async { successful(&self.name, &command, self.exec(&command, b"", COMMAND_LIMIT).await?) };
        Ok(self.transcript.noted(&self.name, &format!("read {}", path.display()), reading).await?.stdout)
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        let command = writing(path, mode);
        let writing =
            async { successful(&self.name, &command, self.exec(&command, content, COMMAND_LIMIT).await?) };
        self.transcript.noted(&self.name, &format!("write {}", path.display()), writing).await.map(drop)
    }

    async fn uptime(&self) -> Result<Duration, MachineError> {
        Ok(self.started.elapsed())
    }

    fn death(&self) -> BoxFuture<'_, MachineError> {
        Box::pin(self.life.over())
    }

    async fn end(&self) {
        let Some(container) = self.container.lock().await.take() else { return };
        self.life.end("it was ended".to_owned());
        // It may have ended by itself, and then the engine has removed it.
        let _ = container.rm().await;
        self.transcript.ended(&self.name);
    }
}
