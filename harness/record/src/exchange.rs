//! What is done to a machine, and what it answers.

use std::borrow::Cow;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process;
use std::time::{Duration, Instant};

use crate::Moment;
use crate::moment::seconds;
use crate::secret::{HideSecrets, hide_in_bytes};

/// The most of an output that goes into a sentence, in bytes.
pub(crate) const SAID_OF_OUTPUT: usize = 2 << 10;

/// One thing done to a machine, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Exchange {
    pub machine: String,
    /// A shell command, or what the harness did (`plug the drive psf`).
    pub action: String,
    pub answer: Answer,
    /// None in a file of a version that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Moment>,
    #[serde(with = "seconds")]
    pub took: Duration,
}

impl Exchange {
    /// An exchange that ends now.
    pub fn since(began: Instant, machine: &str, action: &str, answer: Answer) -> Exchange {
        let (machine, action) = (machine.to_owned(), action.to_owned());
        Exchange { machine, action, answer, began: Some(began.into()), took: began.elapsed() }
    }
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

/// The head and the tail of what is longer than `limit` bytes, and between them how much was left out.
pub(crate) fn shortened(bytes: &[u8], limit: usize) -> Cow<'_, [u8]> {
    if bytes.len() <= limit {
        return Cow::Borrowed(bytes);
    }
    let (head, tail) = (&bytes[..limit / 2], &bytes[bytes.len() - limit / 2..]);
    let left_out = format!("\n[... {} bytes left out ...]\n", bytes.len() - head.len() - tail.len());
    Cow::Owned([head, left_out.as_bytes(), tail].concat())
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
impl From<process::Output> for Output {
    /// Of a program of this host's.
    fn from(ran: process::Output) -> Output {
        let status = match (ran.status.code(), ran.status.signal()) {
            (Some(code), _) => Status::Exit(code),
            (None, signal) => Status::Signal(signal.unwrap_or_default()),
        };
        Output { status, stdout: ran.stdout, stderr: ran.stderr }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, stream) in [("output", &self.stdout), ("error output", &self.stderr)] {
            let stream = hide_in_bytes(stream);
            let stream = shortened(&stream, SAID_OF_OUTPUT);
            let text = String::from_utf8_lossy(&stream);
            if !text.trim().is_empty() {
                write!(f, ", {name} {:?}", text.trim())?;
            }
        }
        Ok(())
    }
}

// Every field is named, so that a new one is not forgotten.

impl HideSecrets for Exchange {
    fn hide_secrets(&mut self) {
        let Exchange { machine, action, answer, began: _, took: _ } = self;
        machine.hide_secrets();
        action.hide_secrets();
        match answer {
            Answer::Ran(Output { status: _, stdout, stderr }) => {
                stdout.hide_secrets();
                stderr.hide_secrets();
            }
            Answer::Done => {}
            Answer::None(reason) => reason.hide_secrets(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_keeps_its_ends_and_counts_the_rest() {
        let long = [b"head".as_slice(), &[0; 1000], b"tail"].concat();
        assert_eq!(*shortened(&long, 8), *b"head\n[... 1000 bytes left out ...]\ntail");
        assert!(matches!(shortened(&long, 1008), Cow::Borrowed(_)));
    }
}
