//! A connection to a machine by the user's own `ssh`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use openssh::Session;
use record::tail::Tail;
use record::{MachineError, secret};
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{Mutex, Semaphore, oneshot};

use super::place::Place;
use crate::life::Life;
use crate::{child, quoted};

/// How long a server may take to let somebody in, and to run a first command.
const LOGIN_LIMIT: Duration = Duration::from_secs(60);

/// How long what was started there may take to end, and the connection after it.
const CLOSE_LIMIT: Duration = Duration::from_secs(20);

/// A server lets ten sessions share a connection if nobody tells it otherwise: one is the leash, and what joins
/// processes with sockets of this host has some.
const COMMANDS: usize = 5;

/// The most that is read of what the leash says, in bytes.
const LINE_LIMIT: u64 = 4 << 10;

/// How much is told of what `ssh` complains about: of its newest lines so many, and of these so many characters.
const COMPLAINTS: usize = 6;
const COMPLAINT_LIMIT: usize = 1000;

const SYSTEM_PATH: &str = include_str!("path.sh");

const LEASH: &str = concat!(include_str!("sweep.sh"), include_str!("leash.sh"));

/// Whom to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// As the user's `ssh` understands it.
    pub host: String,
    /// A file that it reads instead of the user's own.
    pub config: Option<PathBuf>,
}

/// Everything that is done on one machine goes over this, until it is lost. `ssh` itself ends with the harness, however
/// that ends, and then the leash on the machine has ended whatever was started there.
///
/// The commands go to `ssh` over its multiplexing socket, not by one more `ssh` for each: so a status of 255 is the
/// command's own, and a lost connection is one.
pub struct Connection {
    pub(super) host: String,
    pub(super) life: Life,
    pub(super) session: Arc<Session>,
    pub(super) greeting: Greeting,
    pub(super) greeted: Instant,
    /// What marks all processes that are started there, for the leash.
    pub(super) mark: String,
    pub(super) machines: AtomicU32,
    pub(super) commands: Semaphore,
    /// Sockets of this host that lead to those of the machine, by their addresses.
    pub(super) forwards: Mutex<HashMap<String, PathBuf>>,
    pub(super) place: Place,
    leash: Mutex<Option<Leash>>,
    /// Dropped, it ends `ssh`.
    _kill: oneshot::Sender<()>,
}

struct Leash {
    held: ChildStdin,
    told: BufReader<ChildStdout>,
}

/// What the machine says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    /// Who has logged in.
    pub user: u32,
    /// Its clock, as time since 1970.
    pub time: Duration,
    pub boot: String,
    /// What it has to join a process of somebody's with a socket.
    pub bridges: Vec<String>,
}

impl Connection {
    /// Connects, as whoever the user's `ssh` logs in as, and sees that commands can be run as root.
    pub async fn open(login: &Login) -> Result<Connection, MachineError> {
        let unreached = |reason: String| MachineError::NotReached { machine: login.host.clone(), reason };
        let failed = |action: &str, error: io::Error| unreached(format!("cannot {action}: {error}"));
        let place = Place::new().map_err(|error| failed("make a directory for its sockets", error))?;
        let control = place.path("master");
        let mark = mark().map_err(|error| failed("make up a mark", error))?;

        let mut command = std::process::Command::new("ssh");
        command.args(options(login, &control)).arg(as_root(LEASH, &[&quoted(&mark), "\"$(id -u)\""]));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What is typed to interrupt the harness is for it to deal with.
        command.process_group(0);
        let mut child = child::spawn(command).await.map_err(|error| failed("run ssh", error))?;
        let (held, told) = (child.stdin.take(), child.stdout.take());
        let (Some(held), Some(told)) = (held, told) else {
            return Err(unreached("its ssh cannot be listened to".to_owned()));
        };
        let said = Tail::default();
        let hearing = tokio::spawn(hear(child.stderr.take(), said.clone()));

        let mut leash = Leash { held, told: BufReader::new(told) };
        let greeting = match tokio::time::timeout(LOGIN_LIMIT, line(&mut leash.told)).await {
            Ok(Some(line)) => Greeting::parse(&line).ok_or_else(|| unreached(talkative(&line)))?,
            Ok(None) => {
                let status = child.wait().await.map_err(|error| failed("wait for ssh", error))?;
                let _ = hearing.await;
                return Err(unreached(refusal(login, status, &said.text())));
            }
            Err(_) => {
                let waited = format!("it has not let anybody in within {} s", LOGIN_LIMIT.as_secs());
                return Err(unreached(complaint(&waited, &said.text())));
            }
        };

        let life = Life::new(&login.host);
        let (kill, killed) = oneshot::channel();
        let watched = life.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = child.wait() => {}
                _ = killed => {
                    let _ = child.kill().await;
                }
            }
            let _ = hearing.await;
            watched.end(complaint("the connection is lost", &said.text()));
        });
        Ok(Connection {
            host: login.host.clone(),
            life,
            session: Arc::new(Session::resume_mux(control.into(), None)),
            greeting,
            greeted: Instant::now(),
            mark,
            machines: AtomicU32::new(0),
            commands: Semaphore::new(COMMANDS),
            forwards: Mutex::default(),
            place,
            leash: Mutex::new(Some(leash)),
            _kill: kill,
        })
    }

    pub fn is_lost(&self) -> bool {
        self.life.is_over()
    }

    /// Waits until it is lost, and says why.
    pub async fn lost(&self) -> MachineError {
        self.life.over().await
    }

    /// Takes it for lost, before that is noticed.
    pub fn give_up(&self, reason: &str) {
        self.life.end(reason.to_owned());
    }

    /// What is new at every boot.
    pub fn boot(&self) -> &str {
        &self.greeting.boot
    }

    /// Whether there is what joins a process of any user's with a socket.
    pub fn has_bridge(&self) -> bool {
        !self.greeting.bridges.is_empty()
    }

    /// Ends everything that was started over it, and then itself. What could not be ended is an error.
    pub async fn close(&self) -> Result<(), MachineError> {
        let Some(Leash { held, mut told }) = self.leash.lock().await.take() else { return Ok(()) };
        drop(held);
        let refused = |reason: String| self.refused("end what was started there", reason);
        let told = tokio::time::timeout(CLOSE_LIMIT, line(&mut told)).await;
        let _ = tokio::time::timeout(CLOSE_LIMIT, self.life.over()).await;
        match told.ok().flatten().as_deref().and_then(|told| told.strip_prefix("left")) {
            Some("") => Ok(()),
            Some(left) => Err(refused(format!("these processes stay:{left}"))),
            None => Err(refused("nothing told that it did".to_owned())),
        }
    }
}

/// The next line that the leash says, or the beginning of it; nothing when it has ended.
async fn line(told: &mut BufReader<ChildStdout>) -> Option<String> {
    let mut line = Vec::new();
    let read = told.take(LINE_LIMIT).read_until(b'\n', &mut line).await;
    read.ok().filter(|length| *length > 0)?;
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

impl Greeting {
    fn parse(line: &str) -> Option<Greeting> {
        let mut words = line.strip_prefix("assay ")?.split(' ');
        let user = words.next()?.parse().ok()?;
        let time = Duration::from_secs(words.next()?.parse().ok()?);
        let boot = words.next()?.to_owned();
        Some(Greeting { user, time, boot, bridges: words.map(str::to_owned).collect() })
    }
}

/// All but what to run. Whether the host's key is right is for `ssh` and the user's own files to say: nothing here
/// touches that.
fn options(login: &Login, control: &Path) -> Vec<OsString> {
    let mut options: Vec<OsString> = ["-T", "-a", "-x"].map(OsString::from).into();
    if let Some(config) = &login.config {
        options.extend(["-F".into(), config.into()]);
    }
    options.extend(["-M".into(), "-S".into(), control.into()]);
    let fixed = [
        // There is nobody to answer a question.
        "BatchMode=yes",
        "ControlPersist=no",
        // What the user forwards and runs on that machine belongs to other sessions.
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "RemoteCommand=none",
        // A network that says nothing any more is noticed within a minute.
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
        "LogLevel=ERROR",
    ];
    options.extend(fixed.iter().flat_map(|option| ["-o".into(), option.into()]));
    options.extend(["--".into(), OsString::from(&login.host)]);
    options
}

/// What any login shell takes for the order to run this script as root, with these words of a shell as its arguments.
pub(super) fn as_root(script: &str, arguments: &[&str]) -> String {
    let (script, arguments) = (quoted(&[SYSTEM_PATH, script].concat()), arguments.join(" "));
    let run = format!(
        "[ \"$(id -u)\" = 0 ] || set -- sudo --non-interactive --; exec \"$@\" sh -c {script} sh {arguments}"
    );
    // Not every one quotes as a shell of POSIX does.
    format!("exec sh -c 'eval \"$(echo $0 | base64 -d)\"' {}", BASE64_STANDARD.encode(run))
}

/// What nothing else on the machine has in its environment.
fn mark() -> io::Result<String> {
    let mut bytes = [0; 12];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).chain([".".to_owned()]).collect())
}

/// Why nobody was let in, or what kept the leash from running.
fn refusal(login: &Login, status: ExitStatus, said: &str) -> String {
    let Login { host, config } = login;
    if status.code() != Some(255) {
        let what = "no command can be run as root there";
        return format!(
            "{}; log in as root, or as a user who may use sudo without a password",
            complaint(what, said)
        );
    }
    let config = config.as_ref().map_or_else(String::new, |path| format!("-F {} ", path.display()));
    format!(
        "{}; `ssh {config}-o BatchMode=yes {host} true` has to work",
        complaint("ssh has not been let in", said)
    )
}

fn talkative(line: &str) -> String {
    let line: String = line.chars().take(200).collect();
    format!(
        "its login shell prints {line:?} before it runs a command: have it print nothing where no terminal is"
    )
}

/// Something, and what `ssh` says of it.
fn complaint(what: &str, said: &str) -> String {
    let said: Vec<&str> =
        said.lines().map(|line| line.trim().trim_end_matches('.')).filter(|line| !line.is_empty()).collect();
    let newest = said.len().saturating_sub(COMPLAINTS);
    let said = secret::hide(&said[newest..].join("; ")).into_owned();
    let said: String = said.chars().take(COMPLAINT_LIMIT).collect();
    if said.is_empty() { what.to_owned() } else { format!("{what}: {said}") }
}

async fn hear(complaints: Option<ChildStderr>, said: Tail) {
    let Some(mut complaints) = complaints else { return };
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = complaints.read(&mut buffer).await {
        said.keep(&buffer[..length]);
    }
}
