//! Containers with systemd as their first process, in a Docker engine.

mod archive;
mod engine;
mod exec;
mod start;

use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use testcontainers::{ContainerAsync, GenericImage};
use tokio::sync::Mutex;

pub use engine::{Engine, EngineError, NoEngine, Passing, Snapshot};
pub use start::Plan;

use super::{COMMAND_LIMIT, reading, successful, writing};
use crate::machine::life::Life;
use crate::{Machine, MachineError, Output, Transcript};

/// The most time that a check may let pass on a container, where it passes by itself.
const LONGEST_LAPSE: Duration = Duration::from_secs(30);

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
        let (machine, action) = (self.name.clone(), action.to_owned());
        MachineError::Refused { machine, action, reason: reason.to_string() }
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
        let output = self.exec(&command, b"", COMMAND_LIMIT).await?;
        Ok(successful(&self.name, &command, output)?.stdout)
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        let command = writing(path, mode);
        let output = self.exec(&command, content, COMMAND_LIMIT).await?;
        successful(&self.name, &command, output).map(drop)
    }

    async fn uptime(&self) -> Result<Duration, MachineError> {
        Ok(self.started.elapsed())
    }

    async fn lapse(&self, time: Duration) -> Result<Duration, MachineError> {
        if time > LONGEST_LAPSE {
            let what = format!("{} s to let pass at once", time.as_secs());
            return Err(MachineError::Lacks { machine: self.name.clone(), what });
        }
        let action = format!("let {} s pass", time.as_secs_f64());
        let passing = self.life.during(async {
            tokio::time::sleep(time).await;
            Ok(self.started.elapsed())
        });
        self.transcript.noted(&self.name, &action, passing).await
    }

    async fn end(&self) {
        let Some(container) = self.container.lock().await.take() else { return };
        self.life.end("it was ended".to_owned());
        // It may have ended by itself, and then the engine has removed it.
        let _ = container.rm().await;
        self.transcript.ended(&self.name);
    }
}
