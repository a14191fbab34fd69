//! Commands in a container.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures::StreamExt;
use record::{MachineError, Output, Status};
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::exec::{CreateExecOptions, StartExecResults};
use testcontainers::bollard::query_parameters::EventsOptionsBuilder;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{Container, EngineError};
use crate::patience::patient;

/// The most that a command may print to one of its outputs, in bytes, as in a virtual machine.
const OUTPUT_LIMIT: usize = 16 << 20;

impl Container {
    /// Runs a shell command as root with this standard input.
    pub(super) async fn exec(
        &self,
        command: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<Output, MachineError> {
        let running = self.exec_to_end(command, input);
        let done = self.life.during(async {
            let limit = patient(limit);
            match tokio::time::timeout(limit, running).await {
                Ok(done) => done,
                Err(_) => {
                    let (machine, what) = (self.name.clone(), format!("the end of `{command}`"));
                    Err(MachineError::Never { machine, what, limit })
                }
            }
        });
        let output = done.await?;
        // A container takes its processes along, and their end is then no answer. The engine may learn of it later.
        if matches!(output.status, Status::Exit(code) if code > SIGNALLED) && !self.is_alive().await {
            return Err(self.life.over().await);
        }
        Ok(output)
    }

    /// Whether there is still something to run a command in.
    async fn is_alive(&self) -> bool {
        let ran = tokio::time::timeout(PROBE_LIMIT, self.exec_to_end("true", b"")).await;
        ran.is_ok_and(|ran| ran.is_ok_and(|output| output.success()))
    }

    async fn exec_to_end(&self, command: &str, input: &[u8]) -> Result<Output, MachineError> {
        let (id, mut stdin, mut printed) = self.begin(command, !input.is_empty()).await?;
        let feeding = async {
            // One that does not read to the end has its reasons, and its status tells.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
        };
        let reading = async {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            while let Some(piece) = printed.next().await {
                let (to, bytes) = match piece.map_err(|error| self.refused("read what it prints", error))? {
                    LogOutput::StdErr { message } => (&mut stderr, message),
                    LogOutput::StdOut { message } | LogOutput::Console { message } => (&mut stdout, message),
                    LogOutput::StdIn { .. } => continue,
                };
                if to.len() + bytes.len() > OUTPUT_LIMIT {
                    return Err(self.refused("tell what a command printed", "it printed more than 16 MiB"));
                }
                to.extend_from_slice(&bytes);
            }
            Ok((stdout, stderr))
        };
        let ((), read) = tokio::join!(feeding, reading);
        let (stdout, stderr) = read?;
        let status = self.status_of(&id).await?;
        Ok(Output { status, stdout, stderr })
    }

    /// How a command has ended whose output has: an engine may learn of that later. The container's events tell when to
    /// ask again, those included that are past.
    async fn status_of(&self, id: &str) -> Result<Status, MachineError> {
        let untold = |reason: String| self.refused("tell how a command ended", reason);
        let its_own = HashMap::from([("container", vec![self.id.as_str()])]);
        let options = EventsOptionsBuilder::new().since("0").filters(&its_own).build();
        let mut events = pin!(self.engine.docker.events(Some(options)));
        loop {
            let state = self.engine.docker.inspect_exec(id).await;
            let state = state.map_err(|error| untold(error.to_string()))?;
            if let Some(code) = state.exit_code.filter(|_| state.running != Some(true)) {
                return i32::try_from(code).map(Status::Exit).map_err(|error| untold(error.to_string()));
            }
            let event = events.next().await.ok_or_else(|| untold("its engine tells nothing more".into()))?;
            event.map_err(|error| untold(error.to_string()))?;
        }
    }

    /// Starts a shell command: its name in the engine, its standard input and its output.
    pub(super) async fn begin(&self, command: &str, with_input: bool) -> Result<Running, MachineError> {
        let options = CreateExecOptions {
            cmd: Some(vec!["/bin/sh", "-c", command]),
            attach_stdin: Some(with_input),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let refused = |error| self.refused("start a command", error);
        let id = self.engine.docker.create_exec(&self.id, options).await.map_err(refused)?.id;
        match self.engine.docker.start_exec(&id, None).await.map_err(refused)? {
            StartExecResults::Attached { output, input } => Ok((id, input, output)),
            StartExecResults::Detached => Err(self.refused("start a command", "it cannot be listened to")),
        }
    }
}

pub(super) type Running = (String, Input, Pin<Box<dyn futures::Stream<Item = Piece> + Send>>);
pub(super) type Input = Pin<Box<dyn AsyncWrite + Send>>;
type Piece = Result<LogOutput, EngineError>;

/// A shell tells a signal by a greater status.
const SIGNALLED: i32 = 128;

/// How long it may take to find out whether a container still lives.
const PROBE_LIMIT: Duration = Duration::from_secs(30);
