//! Commands in a container.

use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::exec::{CreateExecOptions, StartExecResults};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::{Container, EngineError};
use crate::{MachineError, Output, Status};

/// The most that a command may print to one of its outputs, in bytes, as in a virtual machine.
const OUTPUT_LIMIT: usize = 16 << 20;

/// An engine tells the end of a command's output before it knows how it has ended: when to ask again.
const PAUSE: Duration = Duration::from_millis(5);

impl Container {
    /// Runs a shell command as root with this standard input.
    pub(super) async fn exec(
        &self,
        command: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<Output, MachineError> {
        let deadline = Instant::now() + limit;
        let running = self.exec_to_end(command, input, deadline);
        let done = self.life.during(async {
            match tokio::time::timeout_at(deadline, running).await {
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
        let probe = self.exec_to_end("true", b"", Instant::now() + PROBE_LIMIT);
        let ran = tokio::time::timeout(PROBE_LIMIT, probe).await;
        ran.is_ok_and(|ran| ran.is_ok_and(|output| output.success()))
    }

    async fn exec_to_end(
        &self,
        command: &str,
        input: &[u8],
        deadline: Instant,
    ) -> Result<Output, MachineError> {
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
        let status = loop {
            let state = self.engine.docker.inspect_exec(&id).await;
            let state = state.map_err(|error| self.refused("tell how a command ended", error))?;
            match state.exit_code {
                Some(code) if state.running != Some(true) => break code,
                _ if Instant::now() > deadline => {
                    return Err(self.refused("tell how a command ended", "it does not know"));
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        };
        let status =
            i32::try_from(status).map_err(|error| self.refused("tell how a command ended", error))?;
        Ok(Output { status: Status::Exit(status), stdout, stderr })
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
