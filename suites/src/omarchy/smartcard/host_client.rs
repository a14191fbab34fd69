//! A program of this host that is a client of a guest's smart card daemon.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use harness::cache::Scratch;
use harness::machine::qemu::ROOT;
use harness::{Machine, MachineError, child};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::tool::Tool;

/// What a client loads: of the daemon's own version, or the daemon refuses it without saying so.
const LIBRARIES: [&str; 2] = ["libpcsclite.so.1", "libpcsclite_real.so.1"];

/// How long an answer may take. What answers is emulated, on a busy host.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a reader may stay as it is when somebody waits for another state.
const CHANGE_LIMIT: Duration = Duration::from_secs(45);

/// By this name the library waits for a reader to come or go (`SCardGetStatusChange` in PC/SC lite's reference).
const ANY_READER: &str = r"\\?PnP?\Notification";

/// How long a change is waited for that may have come before anybody waited.
const MISSED_LIMIT: Duration = Duration::from_secs(1);

/// The longest answer, in bytes.
const ANSWER_LIMIT: u64 = 64 << 10;

/// A session with the daemon. Dropping it ends the client.
pub struct Client {
    machine: Arc<dyn Machine>,
    _process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    relay: JoinHandle<()>,
    _directory: Scratch,
}

/// What the client was answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Ok(Value),
    /// The name of an error as in `pcsclite.h`, and what it means.
    Error {
        code: String,
        message: String,
    },
    /// Nothing, as long as could be waited.
    #[serde(skip)]
    Nothing,
}

impl Client {
    /// Starts a client, with the libraries that are in this directory of the guest, for the daemon at this address.
    pub(super) async fn start(
        tool: &Tool,
        directory: Scratch,
        machine: Arc<dyn Machine>,
        daemon: &str,
        library: &Path,
    ) -> Result<Client, MachineError> {
        for name in LIBRARIES {
            let content = machine.read(&library.join(name)).await?;
            let kept = std::fs::write(directory.path().join(name), content);
            kept.map_err(|error| MachineError::refused(machine.name(), "keep the client's library", error))?;
        }
        let failed = |error: io::Error| MachineError::refused(machine.name(), "start the client", error);
        let socket = directory.path().join("pcscd.comm");
        let listener = UnixListener::bind(&socket).map_err(failed)?;
        let relay = tokio::spawn(relay(listener, machine.clone(), daemon.to_owned()));
        let mut command = tool.command();
        command.env("LD_LIBRARY_PATH", directory.path()).env("PCSCLITE_CSOCK_NAME", &socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = child::spawn(command).await.map_err(failed)?;
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let answers = BufReader::new(answers);
        Ok(Client { machine, _process: process, requests, answers, relay, _directory: directory })
    }

    pub(super) async fn establish(&mut self) -> Result<Answer, MachineError> {
        self.ask(json!({ "do": "establish" })).await
    }

    pub async fn connect(&mut self, reader: &str) -> Result<Answer, MachineError> {
        self.ask(json!({ "do": "connect", "reader": reader })).await
    }

    /// The state of a reader: at once when it was not asked for before, else when it is another.
    pub async fn change(&mut self, reader: &str) -> Result<Answer, MachineError> {
        self.change_within(reader, CHANGE_LIMIT).await
    }

    /// The state of a reader as soon as it changes to what is wanted, or as it is after so much time of the guest's.
    pub async fn change_until(
        &mut self,
        reader: &str,
        limit: Duration,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Result<Answer, MachineError> {
        let began = self.machine.uptime().await?;
        let mut state = self.change_within(reader, MISSED_LIMIT).await?;
        while !wanted(&state) && self.machine.uptime().await? <= began + limit {
            let next = self.change_within(reader, MISSED_LIMIT).await?;
            // Without a change it is as it was, which tells more.
            if !next.is_error("SCARD_E_TIMEOUT") {
                state = next;
            }
        }
        Ok(state)
    }

    async fn change_within(&mut self, reader: &str, limit: Duration) -> Result<Answer, MachineError> {
        self.ask(json!({ "do": "wait_for_change", "reader": reader, "timeout_ms": limit.as_millis() })).await
    }

    /// The daemon's readers.
    pub async fn readers(&mut self) -> Result<Vec<String>, MachineError> {
        #[derive(Deserialize)]
        struct Listed {
            readers: Vec<String>,
        }
        let answer = self.ask(json!({ "do": "list_readers" })).await?;
        let listed = match &answer {
            Answer::Ok(listed) => Listed::deserialize(listed).ok(),
            none if none.is_error("SCARD_E_NO_READERS_AVAILABLE") => Some(Listed { readers: vec![] }),
            _ => None,
        };
        listed
            .map(|listed| listed.readers)
            .ok_or_else(|| MachineError::refused(self.machine.name(), "list the readers", answer))
    }

    /// The daemon's readers as soon as they are as wanted, or as they are after so much time of the guest's.
    pub async fn readers_until(
        &mut self,
        limit: Duration,
        wanted: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>, MachineError> {
        let began = self.machine.uptime().await?;
        loop {
            let readers = self.readers().await?;
            if wanted(&readers) || self.machine.uptime().await? > began + limit {
                return Ok(readers);
            }
            self.change_within(ANY_READER, MISSED_LIMIT).await?;
        }
    }

    pub async fn reconnect(&mut self) -> Result<Answer, MachineError> {
        self.ask(json!({ "do": "reconnect" })).await
    }

    /// Sends a command, in hexadecimal digits, to the card.
    pub async fn transmit(&mut self, command: &str) -> Result<Answer, MachineError> {
        self.ask(json!({ "do": "transmit", "apdu": command })).await
    }

    async fn ask(&mut self, request: Value) -> Result<Answer, MachineError> {
        let machine = self.machine.clone();
        let told = request.to_string();
        let asking = async {
            let failed = |error: io::Error| MachineError::refused(machine.name(), "ask the client", error);
            self.requests.write_all(format!("{told}\n").as_bytes()).await.map_err(failed)?;
            let mut line = String::new();
            let mut answers = (&mut self.answers).take(ANSWER_LIMIT);
            match tokio::time::timeout(LIMIT, answers.read_line(&mut line)).await {
                Err(_) => Ok(Answer::Nothing),
                Ok(Err(error)) => Err(failed(error)),
                Ok(Ok(0)) => Err(failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(_)) => serde_json::from_str(&line).map_err(|error| failed(error.into())),
            }
        };
        let answer = asking.await?;
        let told = format!("client: {told}: {answer}");
        self.machine
            .transcript()
            .noted(self.machine.name(), &told, async { Ok::<_, MachineError>(()) })
            .await?;
        Ok(answer)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// Joins whoever connects here with the daemon.
async fn relay(listener: UnixListener, machine: Arc<dyn Machine>, daemon: String) {
    while let Ok((mut here, _)) = listener.accept().await {
        let (machine, daemon) = (machine.clone(), daemon.clone());
        tokio::spawn(async move {
            // Whoever connected sees the end of it, and says so.
            if let Ok(mut there) = machine.connect(&daemon, ROOT).await {
                let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
            }
        });
    }
}

impl Answer {
    /// Whether it is the state of a reader that has this in it.
    pub fn is(&self, state: &str) -> bool {
        let Answer::Ok(answer) = self else { return false };
        answer["state"].as_array().is_some_and(|states| states.iter().any(|known| known == state))
    }

    pub fn is_error(&self, name: &str) -> bool {
        matches!(self, Answer::Error { code, .. } if code == name)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Ok(value) => value.fmt(f),
            Answer::Error { code, message } => write!(f, "{code}: {message}"),
            Answer::Nothing => write!(f, "no answer within {} s", LIMIT.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_client_writes_them() {
        let answer: Answer = serde_json::from_str("{\"ok\":{\"apdu\":\"9000\"}}").unwrap();
        assert_eq!(answer.to_string(), "{\"apdu\":\"9000\"}");
        let line = "{\"error\":{\"code\":\"SCARD_W_REMOVED_CARD\",\"message\":\"removed\"}}";
        let answer: Answer = serde_json::from_str(line).unwrap();
        assert_eq!(answer.to_string(), "SCARD_W_REMOVED_CARD: removed");
        assert!(serde_json::from_str::<Answer>("{\"fine\":{}}").is_err());
        assert_eq!(Answer::Nothing.to_string(), "no answer within 60 s");
    }
}
