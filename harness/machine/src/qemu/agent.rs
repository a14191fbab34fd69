//! The QEMU guest agent: runs commands inside the guest.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use qapi::ExecuteError;
use qapi::futures::{QapiService, QgaStreamTokio};
use qapi::qga;
use record::{MachineError, Output, Status};
use tokio::io::WriteHalf;
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::bounded::Bounded;
use super::ends::{self, Ends};
use crate::patience::patient;

/// The agent tells the end of a command only when asked, which keeps an emulated guest from its work. This is how
/// long to wait before asking again: hardly once the command has said that it ends, and else longer each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_millis(4);

/// How long the agent may take to answer one request.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How many bytes of a command's input the agent reads in a second at least, emulated on a busy host.
const READS: usize = 200_000;

type Writer = QgaStreamTokio<WriteHalf<UnixStream>>;

/// A connection to the agent. It answers one request after the other.
pub struct Agent {
    machine: String,
    service: Arc<QapiService<Writer>>,
    ends: Ends,
    /// Why the connection is of no use any more.
    lost: Arc<OnceLock<String>>,
}

impl Agent {
    pub fn open(machine: &str, stream: UnixStream, ends: Ends) -> Agent {
        let (read, write) = tokio::io::split(stream);
        let stream = QgaStreamTokio::open_split(Bounded::new(read), write);
        let (service, answers) = stream.into_parts();
        // Without this, the connection would outlive everybody who asks.
        let _ = answers.release();
        let lost = Arc::new(OnceLock::new());
        let why = lost.clone();
        tokio::spawn(async move {
            // Pinned in a box of its own, so that it is dropped, and with it all questions, only after this.
            let mut answers = Box::pin(answers);
            let reason = match answers.as_mut().await {
                Ok(()) => "it has hung up".to_owned(),
                Err(error) => error.to_string(),
            };
            let _ = why.set(reason);
        });
        Agent { machine: machine.to_owned(), service: Arc::new(service), ends, lost }
    }

    /// Waits until the agent runs. What is sent before it does waits in the port.
    pub async fn answers(&self, limit: Duration) -> Result<(), MachineError> {
        let id = i64::from(std::process::id());
        let echo = self.request("answer", limit, qga::guest_sync { id }).await?;
        if echo == id { Ok(()) } else { Err(self.refused("answer", "the answer is not to our question")) }
    }

    /// Runs a shell command as root with this standard input.
    pub async fn run(&self, command: &str, input: &[u8], limit: Duration) -> Result<Output, MachineError> {
        let reading = Duration::from_secs((input.len() / READS) as u64);
        let limit = patient(limit);
        let deadline = Instant::now() + reading + limit;
        let start = qga::guest_exec {
            path: "/bin/sh".into(),
            arg: Some(vec!["-c".into(), ends::saying(command)]),
            env: None,
            input_data: (!input.is_empty()).then(|| input.to_vec()),
            capture_output: Some(qga::GuestExecCaptureOutput::flag(true)),
        };
        let what = match input.len() {
            0 => "start a command".to_owned(),
            bytes => format!("start a command with {bytes} bytes to read"),
        };
        let mut ends = self.ends.anew();
        let pid = self.request(&what, ANSWER_LIMIT + reading, start).await?.pid;
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(deadline.min(Instant::now() + pause)) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                () = ends.next() => pause = LAST_PAUSE,
            }
            let question = qga::guest_exec_status { pid };
            let answer = self.request("tell of a command", ANSWER_LIMIT, question).await?;
            if answer.exited {
                return self.output(answer);
            }
            if Instant::now() >= deadline {
                return Err(self.never(format!("the end of `{command}`"), limit));
            }
        }
    }

    fn output(&self, answer: qga::GuestExecStatus) -> Result<Output, MachineError> {
        let status = match (answer.exitcode, answer.signal) {
            (_, Some(signal)) => i32::try_from(signal).ok().map(Status::Signal),
            (Some(code), None) => i32::try_from(code).ok().map(Status::Exit),
            (None, None) => None,
        };
        let status = status.ok_or_else(|| self.refused("tell how a command ended", "it makes no sense"))?;
        if answer.out_truncated == Some(true) || answer.err_truncated == Some(true) {
            return Err(self.refused("tell what a command printed", "it printed more than 16 MiB"));
        }
        let stdout = answer.out_data.unwrap_or_default();
        let stderr = answer.err_data.unwrap_or_default();
        Ok(Output { status, stdout, stderr })
    }

    /// Asks in a task of its own: a question given up half-way would garble all later answers.
    async fn request<C>(&self, what: &str, limit: Duration, question: C) -> Result<C::Ok, MachineError>
    where
        C: qga::QgaCommand + Send + 'static,
        C::Ok: Send,
    {
        let (service, limit) = (self.service.clone(), patient(limit));
        let asked = tokio::spawn(async move { service.execute(question).await });
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(self.refused(what, self.cause(&error))),
            Ok(Err(panic)) => Err(self.refused(what, panic)),
            Err(_) => Err(self.never(format!("the guest agent to {what}"), limit)),
        }
    }

    fn refused(&self, action: &str, reason: impl std::fmt::Display) -> MachineError {
        let action = format!("have the guest agent {action}");
        MachineError::Refused { machine: self.machine.clone(), action, reason: reason.to_string() }
    }

    /// A question that went unanswered does not know what ended the connection.
    fn cause(&self, error: &ExecuteError) -> String {
        use std::io::ErrorKind::{BrokenPipe, UnexpectedEof};
        match error {
            ExecuteError::Io(error) if matches!(error.kind(), BrokenPipe | UnexpectedEof) => {
                self.lost.get().cloned().unwrap_or_else(|| error.to_string())
            }
            error => error.to_string(),
        }
    }

    fn never(&self, what: String, limit: Duration) -> MachineError {
        MachineError::Never { machine: self.machine.clone(), what, limit }
    }
}

#[cfg(test)]
mod tests;
