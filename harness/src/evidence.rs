//! What was seen while a check ran.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Everything kept of one check. The texts come from an untrusted guest: reports escape them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    pub transcript: Vec<Exchange>,
    /// The guest's journal since the check began.
    pub journal: String,
    /// The console of every machine the check used.
    pub console: String,
}

/// One thing done to a machine, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Exchange {
    pub machine: String,
    /// A shell command, or what the harness did (`plug the drive psf`).
    pub action: String,
    pub answer: Answer,
    #[serde(with = "seconds")]
    pub took: Duration,
}

/// How a machine answered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// A command ended.
    Ran(Output),
    /// The harness did something to the machine, and it took effect.
    Done,
    /// There was no answer, and why.
    None(String),
}

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Output {
    pub status: Status,
    #[serde(with = "lossy")]
    pub stdout: Vec<u8>,
    #[serde(with = "lossy")]
    pub stderr: Vec<u8>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Exit(i32),
    Signal(i32),
}

/// The exchanges of one check, shared by all machines it uses.
#[derive(Debug, Clone, Default)]
pub struct Transcript(Arc<Mutex<Vec<Exchange>>>);

impl Transcript {
    pub fn record(&self, exchange: Exchange) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(exchange);
    }

    /// Takes what was recorded so far.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl Output {
    pub fn success(&self) -> bool {
        self.status == Status::Exit(0)
    }

    /// Standard output as text without the white space around it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim().to_owned()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Exit(code) => write!(f, "exit status {code}"),
            Status::Signal(number) => write!(f, "killed by signal {number}"),
        }
    }
}

/// The status and both streams, in a sentence.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, stream) in [("output", &self.stdout), ("error output", &self.stderr)] {
            let text = String::from_utf8_lossy(stream);
            if !text.trim().is_empty() {
                write!(f, ", {name} {:?}", text.trim())?;
            }
        }
        Ok(())
    }
}

/// Bytes as the text they nearly always are. What is not UTF-8 does not survive.
mod lossy {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer).map(String::into_bytes)
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(de::Error::custom)
    }
}
