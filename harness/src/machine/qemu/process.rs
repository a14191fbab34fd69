//! A QEMU process that can't outlive the harness.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;

use command_fds::{CommandFdExt, FdMapping};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::{oneshot, watch};

use super::life::Life;

/// Descriptors below this are the standard streams.
const FIRST_INHERITED: i32 = 3;

/// How much of QEMU's own complaints is kept, in bytes.
const COMPLAINTS_LIMIT: u64 = 8 << 10;

/// The files a process will inherit, numbered in the order they are added.
#[derive(Default)]
pub struct Inheritance(Vec<OwnedFd>);

impl Inheritance {
    /// Adds a file and tells its number in the child.
    pub fn add(&mut self, file: impl Into<OwnedFd>) -> i32 {
        self.0.push(file.into());
        FIRST_INHERITED + self.0.len() as i32 - 1
    }
}

/// A running emulator. Dropping it kills it.
pub struct Process {
    kill: Option<oneshot::Sender<()>>,
    gone: watch::Receiver<bool>,
    pub id: u32,
}

impl Process {
    /// Starts a program; when it ends, `life` learns why.
    pub async fn spawn(
        program: &str,
        arguments: &[String],
        inheritance: Inheritance,
        life: Life,
    ) -> io::Result<Process> {
        let mut command = std::process::Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mappings = inheritance.0.into_iter().enumerate();
        let mappings = mappings
            .map(|(index, file)| FdMapping { parent_fd: file, child_fd: FIRST_INHERITED + index as i32 })
            .collect();
        command.fd_mappings(mappings).map_err(|_| io::Error::other("two inherited files with one number"))?;
        die_with_the_harness(&mut command);

        let mut command = Command::from(command);
        command.kill_on_drop(true);
        let mut child = in_nursery(command).await?;
        let id = child.id().unwrap_or_default();
        let (kill, killed) = oneshot::channel();
        let (gone_sender, gone) = watch::channel(false);
        let complaints = tokio::spawn(hear_complaints(child.stderr.take()));
        tokio::spawn(async move {
            let status = tokio::select! {
                status = child.wait() => status.ok(),
                _ = killed => {
                    let _ = child.start_kill();
                    child.wait().await.ok()
                }
            };
            life.end(describe(status, &complaints.await.unwrap_or_default()));
            let _ = gone_sender.send(true);
        });
        Ok(Process { kill: Some(kill), gone, id })
    }

    /// Waits until the process is gone and reaped.
    pub async fn gone(&mut self) {
        let _ = self.gone.wait_for(|gone| *gone).await;
    }

    /// Kills the process and waits until it is reaped.
    pub async fn kill(&mut self) {
        self.kill.take();
        self.gone().await;
    }
}

/// Reads all that QEMU prints, so that it never blocks on it, and keeps the beginning.
async fn hear_complaints(stderr: Option<ChildStderr>) -> String {
    let mut kept = Vec::new();
    if let Some(mut stderr) = stderr {
        let _ = (&mut stderr).take(COMPLAINTS_LIMIT).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn describe(status: Option<ExitStatus>, complaints: &str) -> String {
    let mut text = match status {
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("QEMU ended with exit status {code}"),
            (None, Some(signal)) => format!("QEMU was killed by signal {signal}"),
            (None, None) => "QEMU ended".to_owned(),
        },
        None => "QEMU could not be waited for".to_owned(),
    };
    if !complaints.trim().is_empty() {
        text.push_str(": ");
        text.push_str(complaints.trim());
    }
    text
}

/// Has the kernel kill the child when the harness dies, however it dies.
fn die_with_the_harness(command: &mut std::process::Command) {
    let harness = rustix::process::getpid();
    // SAFETY: both calls are plain system calls, allowed between fork and exec.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // The harness may have died before the line above took effect.
            if rustix::process::getppid() != Some(harness) {
                return Err(io::Error::other("the harness is gone"));
            }
            Ok(())
        });
    }
}

type Birth = (Command, tokio::runtime::Handle, oneshot::Sender<io::Result<Child>>);

/// Starts the command from a thread that lives as long as the harness: the kernel sends the death
/// signal when the *thread* that forked ends, and threads of the runtime come and go.
async fn in_nursery(command: Command) -> io::Result<Child> {
    static NURSERY: OnceLock<mpsc::Sender<Birth>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, births) = mpsc::channel::<Birth>();
        std::thread::spawn(move || {
            for (mut command, runtime, born) in births {
                let _context = runtime.enter();
                let _ = born.send(command.spawn());
            }
        });
        sender
    });
    let (born, birth) = oneshot::channel();
    let closed = |_| io::Error::other("the thread that starts processes is gone");
    nursery.send((command, tokio::runtime::Handle::current(), born)).map_err(|_| closed(()))?;
    birth.await.map_err(|_| closed(()))?
}
