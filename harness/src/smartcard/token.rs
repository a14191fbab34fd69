//! A PIV token of software, and its way into a reader of the guest's.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::tool::Tool;
use crate::cache::Scratch;
use crate::machine::qemu::Vm;
use crate::{Machine, MachineError};

/// The PIN of every token.
pub const PIN: &str = "123456";

/// Below its directory, because whoever uses either locks it.
const TOKEN: &str = "token";

/// Whose certificate a token has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// Of the key in the slot.
    Own,
    /// Of another key.
    Wrong,
}

/// How a token behaves in a reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// How much later than it could it answers a command.
    pub delay: Duration,
    /// All that its PIV application answers is random.
    pub garbage: bool,
}

/// A token that was made for one check, with keys of its own.
pub struct Token {
    tool: Tool,
    directory: Scratch,
    certificate: Vec<u8>,
    atr: String,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("cannot make a token: {0}")]
    Io(#[from] io::Error),
    #[error("cannot make a token: {status}: {said}")]
    Failed { status: std::process::ExitStatus, said: String },
}

impl Token {
    /// Makes a token, with a key in slot 9A and a certificate for it.
    pub async fn make(tool: Tool, directory: Scratch, certificate: Certificate) -> Result<Token, TokenError> {
        let (mut command, token) = (tool.command(), directory.path().join(TOKEN));
        command.arg("make").arg(&token);
        if certificate == Certificate::Wrong {
            command.arg("--wrong-certificate");
        }
        let output = command.stdin(Stdio::null()).output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(TokenError::Failed { status: output.status, said });
        }
        let certificate = std::fs::read(token.join("certificate.der"))?;
        let atr = std::fs::read_to_string(token.join("atr"))?;
        Ok(Token { tool, directory, certificate, atr })
    }

    /// The X.509 certificate that it shows, as DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What it answers to a reset: bytes in hexadecimal, with colons between.
    pub fn atr(&self) -> &str {
        &self.atr
    }

    /// Puts it into the reader that waits for a card at this address of the guest's, such as `tcp:35963`.
    pub(super) async fn insert(
        &self,
        machine: &Vm,
        reader: &str,
        manner: Manner,
    ) -> Result<Card, MachineError> {
        let mut command = self.tool.command();
        command.arg("insert").arg(self.directory.path().join(TOKEN));
        command.arg(format!("--delay-ms={}", manner.delay.as_millis()));
        if manner.garbage {
            command.arg("--garbage");
        }
        let inserting = Card::over(machine, reader, command);
        machine.recorded("insert the token".to_owned(), inserting).await
    }
}

/// A token in a reader. Dropping it pulls it out.
pub struct Card {
    machine: String,
    process: Child,
    /// Keeps the daemon there, which a reader without a client loses.
    _daemon: Option<UnixStream>,
}

impl Card {
    async fn over(machine: &Vm, address: &str, mut command: Command) -> Result<Card, MachineError> {
        let failed = |error: io::Error| machine.refused("start the token", error);
        let stream = machine.connect(address).await?.into_std().map_err(failed)?;
        stream.set_nonblocking(false).map_err(failed)?;
        command.stdin(Stdio::from(OwnedFd::from(stream))).stdout(Stdio::null()).stderr(Stdio::piped());
        let process = command.spawn().map_err(failed)?;
        Ok(Card { machine: machine.name().to_owned(), process, _daemon: None })
    }

    pub(super) fn held_by(self, daemon: UnixStream) -> Card {
        Card { _daemon: Some(daemon), ..self }
    }

    /// Pulls it out, in use or not. A token that had ended by itself was no token.
    pub async fn pull(mut self) -> Result<(), MachineError> {
        let ended = self.process.try_wait().ok().flatten();
        let _ = self.process.kill().await;
        let Some(status) = ended else { return Ok(()) };
        let mut said = String::new();
        if let Some(stderr) = self.process.stderr.take() {
            let _ = stderr.take(COMPLAINTS_LIMIT).read_to_string(&mut said).await;
        }
        let (machine, action) = (self.machine, "keep the token inserted".to_owned());
        Err(MachineError::Refused { machine, action, reason: format!("{status}: {}", said.trim()) })
    }
}

/// How much of a token's complaints is told, in bytes.
const COMPLAINTS_LIMIT: u64 = 4 << 10;
