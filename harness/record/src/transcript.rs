//! The machines, exchanges and consoles of a check, noted as they come.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::exchange::shortened;
use crate::secret::HideSecrets;
use crate::tail::Tail;
use crate::{Accelerator, Answer, Exchange, Lifetime, Moment, Output, Phase, Start};

/// The most that is kept of one output of one command, in bytes: a guest may print without end.
const KEPT_OF_OUTPUT: usize = 256 << 10;

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
    /// The others of which all that is in here already.
    included: Vec<Transcript>,
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

    /// Adds what another has seen and sees no more, once.
    pub fn include(&self, other: &Transcript) {
        let mut seen = self.lock();
        if seen.included.iter().any(|known| Arc::ptr_eq(&known.0, &other.0)) {
            return;
        }
        seen.included.push(other.clone());
        let other = other.lock().clone();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::SAID_OF_OUTPUT;
    use crate::{Status, secret};

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
        seen.include(&found);
        assert_eq!(seen.journal(), "one\nmounted\n");
        let actions: Vec<_> = seen.take().into_iter().map(|exchange| exchange.action).collect();
        assert_eq!(actions, ["plug the drive"]);
    }
}
