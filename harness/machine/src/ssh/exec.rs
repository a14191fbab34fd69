//! Commands over a connection.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use openssh::{Child, Error, Session, Stdio};
use record::{MachineError, Output, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::connection::{Connection, as_root};
use crate::patience::patient;
use crate::quoted;

/// The most that a command may print to one of its outputs, in bytes, as in a virtual machine.
const OUTPUT_LIMIT: usize = 16 << 20;

/// What ends a command that takes longer is on the machine. How much later that may be told here.
const NEWS_LIMIT: Duration = Duration::from_secs(20);

/// `timeout` says 124, and a shell tells so of what had to be killed after that.
const TIMED_OUT: [i32; 2] = [124, 128 + 9];

const COMMAND: &str = include_str!("command.sh");

const SWEEP: &str = concat!(include_str!("sweep.sh"), "sweep \"$1\"");

impl Connection {
    /// Runs a shell command as root with this standard input, for a machine with this mark.
    pub(super) async fn exec(
        &self,
        mark: &str,
        command: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<Output, MachineError> {
        let seconds = format!("{:.3}", limit.as_secs_f64());
        let script = as_root(COMMAND, &[&quoted(mark), &seconds, &quoted(command)]);
        let never = || MachineError::Never {
            machine: self.host.clone(),
            what: format!("the end of `{command}`"),
            limit,
        };
        let (output, took) = self.run_script(&script, input, limit + NEWS_LIMIT).await?.ok_or_else(never)?;
        let ended = matches!(output.status, Status::Exit(code) if TIMED_OUT.contains(&code));
        if ended && took >= limit { Err(never()) } else { Ok(output) }
    }

    /// Ends all that was started with this mark, and tells what stays.
    pub(super) async fn sweep(&self, mark: &str) -> Result<String, MachineError> {
        let swept = self.run_script(&as_root(SWEEP, &[&quoted(mark)]), b"", NEWS_LIMIT).await?;
        Ok(swept.map(|(output, _)| output.text()).unwrap_or_default())
    }

    /// What a script for the login shell says until it ends, and how long that takes; nothing where it does not in time.
    async fn run_script(
        &self,
        script: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<Option<(Output, Duration)>, MachineError> {
        // To wait for others takes no time.
        let _turn = self.life.during(async { Ok(self.commands.acquire().await) }).await?;
        let began = Instant::now();
        let running = self.life.during(self.run_to_end(script, input));
        let ran = tokio::time::timeout(patient(limit), running).await.ok().transpose()?;
        Ok(ran.map(|output| (output, began.elapsed())))
    }

    async fn run_to_end(&self, script: &str, input: &[u8]) -> Result<Output, MachineError> {
        let mut command = self.session.raw_command(script);
        command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = command.spawn().await;
        let mut child = started.map_err(|error| self.failed("start a command", &error))?;
        let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let feeding = async {
            // One that does not read to the end has its reasons, and its status tells.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(input).await;
            }
            Ok(())
        };
        let ((), stdout, stderr) = tokio::try_join!(feeding, self.whole(stdout), self.whole(stderr))?;
        let status = self.status(child).await?;
        Ok(Output { status, stdout, stderr })
    }

    async fn whole(&self, printed: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, MachineError> {
        let Some(printed) = printed else { return Ok(Vec::new()) };
        let mut whole = Vec::new();
        let read = printed.take(OUTPUT_LIMIT as u64 + 1).read_to_end(&mut whole).await;
        read.map_err(|error| self.refused("read what a command prints", error))?;
        if whole.len() > OUTPUT_LIMIT {
            return Err(self.refused("tell what a command printed", "it printed more than 16 MiB"));
        }
        Ok(whole)
    }

    /// How a command has ended. The shell around it always ends with a status.
    async fn status(&self, child: Child<&Session>) -> Result<Status, MachineError> {
        let code = match child.wait().await {
            Ok(status) => ExitStatus::code(&status),
            // It makes an error of its own of this one.
            Err(Error::Remote(_)) => Some(127),
            Err(Error::RemoteProcessTerminated) => None,
            Err(error) => return Err(self.failed("tell how a command ended", &error)),
        };
        code.map(Status::Exit)
            .ok_or_else(|| self.refused("tell how a command ended", "what runs it there was killed"))
    }

    pub(super) fn failed(&self, action: &str, error: &Error) -> MachineError {
        let hint = match error {
            Error::SshMux(_) => {
                " (a server that lets few sessions share a connection has to be told MaxSessions 10)"
            }
            _ => "",
        };
        self.refused(action, format!("{}{hint}", record::with_causes(error)))
    }

    pub(super) fn refused(&self, action: &str, reason: impl std::fmt::Display) -> MachineError {
        MachineError::refused(&self.host, action, reason)
    }
}
