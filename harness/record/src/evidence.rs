//! What was seen while a check ran.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::Accelerator;
use crate::Lifetime;
use crate::Moment;
use crate::Phase;
use crate::Start;
use crate::secret::{HideSecrets, hide_in_bytes};
use crate::tail::Tail;

/// Everything kept of one check. The texts come from an untrusted guest: reports escape them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// The machines it used, in the order they were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<Lifetime>,
    pub transcript: Vec<Exchange>,
    /// The guest's journal since the check began.
    pub journal: String,
    /// The console of every machine the check used.
    pub console: String,
}

impl Evidence {
    /// All that a transcript has noted.
    pub fn of(transcript: &Transcript) -> Evidence {
        Evidence {
            machines: transcript.machines(),
            transcript: transcript.take(),
            journal: transcript.journal(),
            console: transcript.console(),
        }
    }
}

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

/// The most that is kept of one output of one command, in bytes: a guest may print without end.
const KEPT_OF_OUTPUT: usize = 256 << 10;

/// The most of an output that goes into a sentence, in bytes.
const SAID_OF_OUTPUT: usize = 2 << 10;

/// The machines, exchanges and consoles of one check, shared by all machines it uses.
#[derive(Debug, Clone, Default)]
pub struct Transcript(Arc<Mutex<Seen>>);

#[derive(Debug, Clone, Default)]
struct Seen {
    machines: Vec<Lifetime>,
    exchanges: Vec<Exchange>,
    /// By machine.
    consoles: Vec<(String, Tail)>,
    /// By machine.
    journals: Vec<(String, String)>,
    /// When it waited for what is made once for all.
    waits: Vec<(Instant, Instant)>,
}

impl Transcript {
    pub fn record(&self, mut exchange: Exchange) {
        // Before anything is cut: of half a secret nobody would know that it was one.
        exchange.hide_secrets();
        if let Answer::Ran(output) = &mut exchange.answer {
            output.stdout = shortened(&output.stdout, KEPT_OF_OUTPUT).into_owned();
            output.stderr = shortened(&output.stderr, KEPT_OF_OUTPUT).into_owned();
        }
        self.lock().exchanges.push(exchange);
    }

    /// Does something to a machine, and notes that it took effect, or why it did not.
    pub async fn noted<T, E: fmt::Display>(
        &self,
        machine: &str,
        action: &str,
        doing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.answered(machine, action, doing, |_| Answer::Done).await
    }

    /// Runs a command on a machine, and notes how it ended, or why nobody knows.
    pub async fn ran<E: fmt::Display>(
        &self,
        machine: &str,
        command: &str,
        running: impl Future<Output = Result<Output, E>>,
    ) -> Result<Output, E> {
        self.answered(machine, command, running, |output| Answer::Ran(output.clone())).await
    }

    async fn answered<T, E: fmt::Display>(
        &self,
        machine: &str,
        action: &str,
        doing: impl Future<Output = Result<T, E>>,
        answer: impl FnOnce(&T) -> Answer,
    ) -> Result<T, E> {
        let began = Instant::now();
        let done = doing.await;
        let answer = done.as_ref().map_or_else(|error| Answer::None(error.to_string()), answer);
        self.record(Exchange::since(began, machine, action, answer));
        done
    }

    /// Notes that a machine is being started.
    pub fn began(&self, machine: &str, start: Start) {
        let (machine, began) = (machine.to_owned(), Moment::now());
        let (accelerator, ended, phases) = (None, None, Vec::new());
        self.lock().machines.push(Lifetime { machine, start, accelerator, began, ended, phases });
    }

    /// Notes what executes a machine's instructions.
    pub fn executed_by(&self, machine: &str, accelerator: Accelerator) {
        self.with(machine, |lifetime| lifetime.accelerator = Some(accelerator));
    }

    /// Notes a part of a machine's start.
    pub fn phase(&self, machine: &str, phase: Phase) {
        self.with(machine, |lifetime| lifetime.phases.push(phase));
    }

    /// Notes that since then it has waited for what is made once for all checks.
    pub fn waited(&self, since: Instant) {
        self.lock().waits.push((since, Instant::now()));
    }

    /// How much of the time since then was such waiting, whatever waited at the same time.
    pub fn time_waited(&self, since: Instant) -> Duration {
        let mut waits = self.lock().waits.clone();
        waits.sort();
        let (mut total, mut counted) = (Duration::ZERO, since);
        for (began, ended) in waits {
            total += ended.saturating_duration_since(began.max(counted));
            counted = counted.max(ended);
        }
        total
    }

    /// Notes that a machine is gone.
    pub fn ended(&self, machine: &str) {
        self.with(machine, |lifetime| lifetime.ended = Some(Moment::now()));
    }

    /// Every machine that was started so far.
    pub fn machines(&self) -> Vec<Lifetime> {
        self.lock().machines.clone()
    }

    /// Keeps what a machine prints on its console from now on, however short its life.
    pub fn keep_console(&self, machine: &str, console: Tail) {
        self.lock().consoles.push((machine.to_owned(), console));
    }

    /// Keeps the journal that a machine had at its end.
    pub fn keep_journal(&self, machine: &str, journal: String) {
        self.lock().journals.push((machine.to_owned(), journal));
    }

    /// Does something that is no part of the check: no exchange tells of it.
    pub async fn unnoted<T>(&self, doing: impl Future<Output = T>) -> T {
        let exchanges = self.take();
        let done = doing.await;
        self.lock().exchanges = exchanges;
        done
    }

    /// Adds what another has seen.
    pub fn include(&self, other: &Transcript) {
        let other = other.lock().clone();
        let mut seen = self.lock();
        seen.machines.extend(other.machines);
        seen.exchanges.extend(other.exchanges);
        seen.consoles.extend(other.consoles);
        seen.journals.extend(other.journals);
        seen.waits.extend(other.waits);
    }

    /// Takes what was recorded so far.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.lock().exchanges)
    }

    /// What the consoles hold now, each after the name of its machine.
    pub fn console(&self) -> String {
        let seen = self.lock();
        let texts = seen.consoles.iter().map(|(machine, console)| (machine, console.text()));
        let texts = texts.filter(|(_, text)| !text.trim().is_empty());
        texts.map(|(machine, text)| format!("{machine}\n{text}\n")).collect()
    }

    /// The journals that were kept, each after the name of its machine.
    pub fn journal(&self) -> String {
        self.lock().journals.iter().map(|(machine, journal)| format!("{machine}\n{journal}\n")).collect()
    }

    fn with(&self, machine: &str, change: impl FnOnce(&mut Lifetime)) {
        if let Some(lifetime) = self.lock().machines.iter_mut().find(|known| known.machine == machine) {
            change(lifetime);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The head and the tail of what is longer than `limit` bytes, and between them how much was left out.
fn shortened(bytes: &[u8], limit: usize) -> Cow<'_, [u8]> {
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

// Every field is named below, so that a new one is not forgotten.

impl HideSecrets for Evidence {
    fn hide_secrets(&mut self) {
        // The harness itself names machines and the parts of their starts.
        let Evidence { transcript, journal, console, machines: _ } = self;
        transcript.iter_mut().for_each(HideSecrets::hide_secrets);
        journal.hide_secrets();
        console.hide_secrets();
    }
}

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

pub mod seconds {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_counts_once_and_only_from_the_beginning_of_the_check() {
        let transcript = Transcript::default();
        let second = Duration::from_secs(1);
        let zero = Instant::now();
        let at = |seconds: u32| zero + second * seconds;
        // Two machines wait for the same template, then one for another; a wait of others was over before.
        let waits = [(at(20), at(25)), (at(12), at(18)), (at(10), at(16)), (at(0), at(5))];
        transcript.lock().waits.extend(waits);
        assert_eq!(transcript.time_waited(at(8)), second * 13);
        assert_eq!(transcript.time_waited(at(14)), second * 9);
        assert_eq!(transcript.time_waited(at(30)), Duration::ZERO);
    }
    use crate::secret;

    #[test]
    fn a_long_output_keeps_its_ends_and_counts_the_rest() {
        let long = [b"head".as_slice(), &[0; 1000], b"tail"].concat();
        assert_eq!(*shortened(&long, 8), *b"head\n[... 1000 bytes left out ...]\ntail");
        assert!(matches!(shortened(&long, 1008), Cow::Borrowed(_)));
    }

    #[test]
    fn a_secret_is_hidden_before_half_of_it_is_left_out() {
        let value = "in-the-middle-of-an-output";
        secret::declare("output", value.as_bytes()).unwrap();
        for limit in [KEPT_OF_OUTPUT, SAID_OF_OUTPUT] {
            for into in 0..=value.len() {
                let stdout = ["x".repeat(limit / 2 - into), value.into(), "y".repeat(limit)].concat();
                let (status, stderr) = (Status::Exit(0), value.as_bytes().to_vec());
                let output = Output { status, stdout: stdout.into_bytes(), stderr };
                let said = output.to_string();
                let transcript = Transcript::default();
                transcript.record(Exchange {
                    machine: value.into(),
                    action: format!("echo {value}"),
                    answer: Answer::Ran(output),
                    began: None,
                    took: Duration::ZERO,
                });
                let kept = format!("{:?}", serde_json::to_string(&transcript.take()).unwrap());
                for piece in ["in-t", "utput"] {
                    assert!(!said.contains(&format!("x{piece}")) && !kept.contains(piece), "{into}: {said}");
                }
            }
        }
    }

    #[test]
    fn a_talkative_command_does_not_fill_the_memory() {
        let transcript = Transcript::default();
        let output = Output { status: Status::Exit(0), stdout: vec![b'x'; 16 << 20], stderr: Vec::new() };
        assert!(output.to_string().len() < 8 << 10);
        transcript.record(Exchange::since(Instant::now(), "machine", "yes", Answer::Ran(output)));
        let Answer::Ran(kept) = &transcript.take()[0].answer else { panic!("no output") };
        assert!(kept.stdout.len() < KEPT_OF_OUTPUT + 100);
    }

    #[test]
    fn a_machine_is_told_from_its_start_to_its_end() {
        let transcript = Transcript::default();
        transcript.began("one", Start::Fork);
        transcript.began("other", Start::PowerOn);
        transcript.phase("one", Phase::since(Instant::now(), "the state loads"));
        transcript.ended("one");
        let [one, other] = <[Lifetime; 2]>::try_from(transcript.machines()).unwrap();
        assert!(one.ended.is_some_and(|ended| ended >= one.began));
        assert_eq!(one.phases[0].what, "the state loads");
        assert_eq!((other.start, other.ended, other.phases.len()), (Start::PowerOn, None, 0));
    }

    #[tokio::test]
    async fn a_journal_comes_with_what_another_has_seen_and_how_it_was_read_does_not() {
        let (seen, found) = (Transcript::default(), Transcript::default());
        let exchange = |action| Exchange::since(Instant::now(), "one", action, Answer::Done);
        found.record(exchange("plug the drive"));
        let read = async { found.record(exchange("journalctl")) };
        found.unnoted(read).await;
        found.keep_journal("one", "mounted".into());
        seen.include(&found);
        assert_eq!(seen.journal(), "one\nmounted\n");
        let actions: Vec<_> = seen.take().into_iter().map(|exchange| exchange.action).collect();
        assert_eq!(actions, ["plug the drive"]);
    }
}
