//! Anything that can run commands and move files.

pub mod container;
mod contents;
mod error;
pub mod fake;
mod files;
mod kind;
mod life;
pub mod programs;
pub mod qemu;
mod systemd;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

pub use contents::{Contents, Difference};
pub use error::MachineError;
pub use kind::MachineKind;
pub use systemd::Systemd;

use crate::{Output, Transcript};

/// A machine under test. Every exchange goes into its transcript.
#[async_trait]
pub trait Machine: Send + Sync {
    fn name(&self) -> &str;

    fn transcript(&self) -> &Transcript;

    /// Runs a shell command as root and waits for its end, at most `limit`.
    /// A command that fails is an answer, not an error.
    async fn run_within(&self, command: &str, limit: Duration) -> Result<Output, MachineError>;

    /// Runs a shell command as root, at most [`COMMAND_LIMIT`].
    async fn run(&self, command: &str) -> Result<Output, MachineError> {
        self.run_within(command, COMMAND_LIMIT).await
    }

    /// Runs a command that is only a means to an end: its failure is an error of the harness.
    async fn succeed(&self, command: &str) -> Result<String, MachineError> {
        let output = self.run(command).await?;
        Ok(successful(self.name(), command, output)?.text())
    }

    /// Reads a whole file, at most 16 MiB.
    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError>;

    /// Writes a whole file with these permission bits, making the directories above it.
    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError>;

    /// When it was started, as time since 1970.
    fn began(&self) -> Duration;

    /// How long it has been up, by its own clock.
    async fn uptime(&self) -> Result<Duration, MachineError>;

    /// Lets this much of its time pass, and gives its uptime.
    async fn lapse(&self, time: Duration) -> Result<Duration, MachineError>;

    /// Ends it, whatever it does. What is asked of it afterwards fails.
    async fn end(&self);

    /// Whether it is known to have ended.
    fn is_over(&self) -> bool {
        false
    }
}

/// How long a command may take when nothing else is said. Everything is emulated: generous.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// A text as one word of a shell command.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The output of a command that is only a means to an end.
fn successful(machine: &str, command: &str, output: Output) -> Result<Output, MachineError> {
    if output.success() {
        return Ok(output);
    }
    Err(MachineError::Failed { machine: machine.into(), command: command.into(), output })
}

/// The shell command that prints a file.
fn reading(path: &Path) -> String {
    format!("exec cat -- {}", quoted(&path.to_string_lossy()))
}

/// The shell command that writes its standard input to a file, making the directories above it.
fn writing(path: &Path, mode: u32) -> String {
    let file = quoted(&path.to_string_lossy());
    format!("umask 022 && mkdir -p \"$(dirname {file})\" && cat >{file} && chmod {mode:04o} {file}")
}
