//! A machine that only pretends, for testing the harness's own logic.

mod files;

use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;

pub use files::{Files, Node};

use record::{Answer, Exchange, Output, Status, Transcript};

use super::{Machine, MachineError};

/// Answers a command, perhaps changing files, or leaves it to the next script.
pub type Script = Box<dyn FnMut(&str, &mut Files) -> Option<Output> + Send>;

/// Files in memory and scripted answers. It lays trees by itself; any other command that no script
/// answers fails with status 127.
pub struct Fake {
    name: String,
    transcript: Transcript,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: Files,
    scripts: Vec<Script>,
    /// Exchanges until it dies.
    lifetime: Option<usize>,
    /// What was let pass.
    uptime: Duration,
}

impl Fake {
    pub fn new(name: &str) -> Fake {
        Fake { name: name.into(), transcript: Transcript::default(), state: Mutex::default() }
    }

    /// Answers commands with a closure. Earlier scripts are asked first.
    pub fn answering(self, script: impl FnMut(&str, &mut Files) -> Option<Output> + Send + 'static) -> Fake {
        self.state().scripts.push(Box::new(script));
        self
    }

    /// Answers exactly this command, always alike.
    pub fn answer(self, command: &str, output: Output) -> Fake {
        let command = command.to_owned();
        self.answering(move |asked, _| (asked == command).then(|| output.clone()))
    }

    /// Makes every exchange after the next `exchanges` fail, as a dead machine does.
    pub fn die_after(&self, exchanges: usize) {
        self.state().lifetime = Some(exchanges);
    }

    pub fn put(&self, path: &str, node: Node) {
        self.state().files.insert(path.into(), node);
    }

    pub fn files(&self) -> Files {
        self.state().files.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Records an exchange, or its failure when the machine is dead.
    fn exchange(&self, action: &str, answer: impl FnOnce(&mut State) -> Answer) -> Result<(), MachineError> {
        let mut state = self.state();
        let dead = state.lifetime == Some(0);
        state.lifetime = state.lifetime.map(|left| left.saturating_sub(1));
        let answer = if dead { Answer::None("it died".into()) } else { answer(&mut state) };
        drop(state);
        self.transcript.record(Exchange::since(Instant::now(), &self.name, action, answer));
        if dead {
            return Err(MachineError::Gone { machine: self.name.clone(), reason: "it died".into() });
        }
        Ok(())
    }
}

#[async_trait]
impl Machine for Fake {
    fn name(&self) -> &str {
        &self.name
    }

    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    async fn run_within(&self, command: &str, _limit: Duration) -> Result<Output, MachineError> {
        // Like a real round trip, this lets others go first.
        tokio::task::yield_now().await;
        let mut output = None;
        self.exchange(command, |state| {
            let answered = state.answer(command);
            output = Some(answered.clone());
            Answer::Ran(answered)
        })?;
        Ok(output.unwrap_or_else(|| said(0, "")))
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError> {
        let path = path.display().to_string();
        self.exchange(&format!("read {path}"), |_| Answer::Done)?;
        match self.state().files.get(&path) {
            Some(Node::File { content, .. }) => Ok(content.clone()),
            _ => Err(MachineError::Refused {
                machine: self.name.clone(),
                action: format!("read {path}"),
                reason: "there is no such file".into(),
            }),
        }
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        tokio::task::yield_now().await;
        let path = path.display().to_string();
        self.exchange(&format!("write {path}"), |state| {
            state.files.insert(path.clone(), Node::File { mode, content: content.into() });
            Answer::Done
        })
    }

    fn began(&self) -> Duration {
        Duration::ZERO
    }

    async fn uptime(&self) -> Result<Duration, MachineError> {
        Ok(self.state().uptime)
    }

    async fn lapse(&self, time: Duration) -> Result<Duration, MachineError> {
        let mut uptime = Duration::ZERO;
        self.exchange(&format!("let {} s pass", time.as_secs_f64()), |state| {
            state.uptime += time;
            uptime = state.uptime;
            Answer::Done
        })?;
        Ok(uptime)
    }

    async fn end(&self) {
        self.die_after(0);
    }
}

impl State {
    fn answer(&mut self, command: &str) -> Output {
        for script in &mut self.scripts {
            if let Some(output) = script(command, &mut self.files) {
                return output;
            }
        }
        let words = shlex::split(command).unwrap_or_default();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["set", "--", rest @ ..] => {
                let paths = rest.iter().take_while(|word| **word != ";").map(ToString::to_string);
                let told = files::look(&self.files, &paths.collect::<Vec<_>>());
                Output { stdout: told, ..said(0, "") }
            }
            ["find", paths @ .., "-maxdepth", "0", "-printf", _, "2>/dev/null", ";", "true"] => {
                Output { stdout: files::sight(&self.files, paths), ..said(0, "") }
            }
            ["tar", "-x", "-f", archive, ..] => match self.files.remove(*archive) {
                Some(Node::File { content, .. }) if files::unpack(&mut self.files, &content).is_ok() => {
                    said(0, "")
                }
                _ => said(2, "not an archive"),
            },
            _ => said(127, "nothing is scripted for this command"),
        }
    }
}

/// The answer of a command that ends with this status and says this: as output when it succeeds,
/// else as error output.
pub fn said(status: i32, text: &str) -> Output {
    let (good, bad) = if status == 0 { (text, "") } else { ("", text) };
    Output { status: Status::Exit(status), stdout: good.into(), stderr: bad.into() }
}
