//! A PIV token of software, and its way into a reader of the guest's.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::cache::Scratch;
use harness::machine::qemu::ROOT;
use harness::{Edit, Machine, MachineError, Table, child};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::Child;

use super::settings::SmartCard;
use super::tool::Tool;

/// The PIN of every token.
pub const PIN: &str = "123456";

/// Below its directory, because whoever uses either locks it.
const TOKEN: &str = "token";

/// What may be wrong with a token, to prove that checks see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Its certificate is of another key than the one in the slot.
    WrongCertificate,
    /// It takes every PIN for the right one.
    AnyPin,
    /// All that its PIV application answers is random.
    Garbage,
    /// Pulled, it stays where it is and says nothing more.
    Stuck,
}

impl Flaw {
    /// Has every token of the target so.
    pub fn edit(self) -> Edit {
        let value = match self {
            Flaw::WrongCertificate => "wrong-certificate",
            Flaw::AnyPin => "any-pin",
            Flaw::Garbage => "garbage",
            Flaw::Stuck => "stuck",
        };
        Edit::setting(SmartCard::NAME, "flaw", value)
    }
}

/// A token that was made for one check, with keys of its own.
pub struct Token {
    tool: Tool,
    directory: Scratch,
    flaw: Option<Flaw>,
    delay: Duration,
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
    pub(super) async fn make(
        tool: Tool,
        directory: Scratch,
        flaw: Option<Flaw>,
    ) -> Result<Token, TokenError> {
        let (mut command, token) = (tool.command(), directory.path().join(TOKEN));
        command.arg("make").arg(&token);
        if flaw == Some(Flaw::WrongCertificate) {
            command.arg("--wrong-certificate");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let output = child::spawn(command).await?.wait_with_output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(TokenError::Failed { status: output.status, said });
        }
        let certificate = std::fs::read(token.join("certificate.der"))?;
        let atr = std::fs::read_to_string(token.join("atr"))?;
        Ok(Token { tool, directory, flaw, delay: Duration::ZERO, certificate, atr })
    }

    /// The same, which in a reader answers each command so much later than it could.
    pub fn slowed(self, delay: Duration) -> Token {
        Token { delay, ..self }
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
    pub(super) async fn insert(&self, machine: &dyn Machine, reader: &str) -> Result<Card, MachineError> {
        let mut command = self.tool.command();
        command.arg("insert").arg(self.directory.path().join(TOKEN));
        command.arg(format!("--delay-ms={}", self.delay.as_millis()));
        command.args(match self.flaw {
            Some(Flaw::AnyPin) => Some("--any-pin"),
            Some(Flaw::Garbage) => Some("--garbage"),
            Some(Flaw::WrongCertificate | Flaw::Stuck) | None => None,
        });
        let inserting = self.card(machine, reader, command);
        machine.transcript().noted(machine.name(), "insert the token", inserting).await
    }

    /// Plugs it in as a USB device of 0x203A:0xFFFD, which is reader and card in one.
    pub(super) async fn plug(&self, machine: &dyn Machine) -> Result<Card, MachineError> {
        let mut command = self.tool.command();
        command.arg("plug").arg(self.directory.path().join(TOKEN));
        machine
            .transcript()
            .noted(machine.name(), "plug the token in", self.card(machine, USB, command))
            .await
    }

    async fn card(
        &self,
        machine: &dyn Machine,
        address: &str,
        mut command: Command,
    ) -> Result<Card, MachineError> {
        let failed = |error: io::Error| MachineError::refused(machine.name(), "start the token", error);
        let stream = machine.connect(address, ROOT).await?.into_std().map_err(failed)?;
        stream.set_nonblocking(false).map_err(failed)?;
        command.stdin(Stdio::from(OwnedFd::from(stream))).stdout(Stdio::null()).stderr(Stdio::piped());
        let process = child::spawn(command).await.map_err(failed)?;
        Ok(Card { machine: machine.name().to_owned(), process, flaw: self.flaw, _daemon: None })
    }
}

/// The address that the token's program gives itself on its own bus.
const USB: &str = "usb:1-1";

/// A token in a reader, or plugged in. Dropping it pulls it out.
pub struct Card {
    machine: String,
    process: Child,
    flaw: Option<Flaw>,
    /// Keeps the daemon there, which a reader without a client loses.
    _daemon: Option<UnixStream>,
}

impl Card {
    pub(super) fn held_by(self, daemon: UnixStream) -> Card {
        Card { _daemon: Some(daemon), ..self }
    }

    /// Pulls it out, in use or not. A token that had ended by itself was no token.
    pub async fn pull(mut self) -> Result<Pulled, MachineError> {
        let ended = self.process.try_wait().ok().flatten();
        if self.flaw == Some(Flaw::Stuck) {
            if let Some(id) =
                self.process.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
            {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::STOP);
            }
            return Ok(Pulled { _stuck: Some(self) });
        }
        let _ = self.process.kill().await;
        let Some(status) = ended else { return Ok(Pulled { _stuck: None }) };
        let mut said = String::new();
        if let Some(stderr) = self.process.stderr.take() {
            let _ = stderr.take(COMPLAINTS_LIMIT).read_to_string(&mut said).await;
        }
        let (machine, action) = (self.machine, "keep the token inserted".to_owned());
        Err(MachineError::Refused { machine, action, reason: format!("{status}: {}", said.trim()) })
    }
}

/// What is left of a card that was pulled: nothing, unless it is stuck.
#[must_use]
pub struct Pulled {
    _stuck: Option<Card>,
}

/// How much of a token's complaints is told, in bytes.
const COMPLAINTS_LIMIT: u64 = 4 << 10;
