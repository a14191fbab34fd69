//! A QEMU process that can't outlive the harness.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{SigSet, Signal};
use record::secret;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::sync::{oneshot, watch};

use crate::child;
use crate::life::Life;

/// Descriptors below this are the standard streams.
const FIRST_INHERITED: i32 = 3;

/// How much of QEMU's own complaints is kept, in bytes.
const COMPLAINTS_LIMIT: usize = 8 << 10;

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
    /// Starts a program; when it ends and `last_words` are over, `life` learns why.
    pub async fn spawn(
        program: &str,
        arguments: &[OsString],
        inheritance: Inheritance,
        life: Life,
        last_words: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Process> {
        let mut command = std::process::Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mappings = inheritance.0.into_iter().enumerate();
        let mappings = mappings
            .map(|(index, file)| FdMapping { parent_fd: file, child_fd: FIRST_INHERITED + index as i32 })
            .collect();
        command.fd_mappings(mappings).map_err(|_| io::Error::other("two inherited files with one number"))?;
        leave_interrupts_to_the_harness(&mut command);

        let mut child = child::spawn(command).await?;
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
            last_words.await;
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
    let (mut kept, mut stream, mut buffer) = (Vec::new(), secret::Stream::default(), [0; 1024]);
    if let Some(mut stderr) = stderr {
        while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
            stream.push(&buffer[..length], &mut kept);
            kept.truncate(COMPLAINTS_LIMIT);
        }
    }
    stream.finish(&mut kept);
    kept.truncate(COMPLAINTS_LIMIT);
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
    let complaints: Vec<&str> = complaints.trim().lines().filter(|line| !is_warning(line)).collect();
    if !complaints.is_empty() {
        text.push_str(": ");
        text.push_str(&complaints.join("\n"));
    }
    text
}

/// Whether QEMU says that it goes on all the same, as it does of options that are to go: nothing ends by that.
fn is_warning(line: &str) -> bool {
    line.starts_with("warning: ") || line.contains(": warning: ")
}

/// Ctrl-C in a terminal reaches everything that runs there. The harness decides what it means: a machine
/// that ended by itself would look broken.
fn leave_interrupts_to_the_harness(command: &mut std::process::Command) {
    let interrupts = SigSet::from_iter([Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT]);
    // SAFETY: blocking signals is one plain system call, allowed between fork and exec.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || Ok(interrupts.thread_block()?));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;

    async fn sleeper() -> Process {
        let life = Life::new("sleeper");
        Process::spawn("sleep", &["600".into()], Inheritance::default(), life, async {}).await.unwrap()
    }

    fn lives(process: &Process) -> bool {
        let stat = std::fs::read_to_string(Path::new("/proc").join(process.id.to_string()).join("stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[track_caller]
    fn ends_soon(process: &Process) {
        let began = Instant::now();
        while lives(process) {
            assert!(began.elapsed() < Duration::from_secs(10), "it lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_qemu_warns_of_is_no_reason_to_end() {
        let warning = "warning: fd: migration to a file is deprecated. Use file: instead.\n";
        assert_eq!(describe(Some(ExitStatus::default()), warning), "QEMU ended with exit status 0");
        let both =
            format!("qemu-system-aarch64: warning: a board is deprecated\n{warning}no such file\nat all\n");
        assert_eq!(
            describe(Some(ExitStatus::default()), &both),
            "QEMU ended with exit status 0: no such file\nat all"
        );
    }

    #[test]
    fn a_runtime_that_ends_takes_its_processes_along_and_no_others() {
        let runtime = || tokio::runtime::Runtime::new().unwrap();
        let (ending, staying) = (runtime(), runtime());
        let (doomed, other) = (ending.block_on(sleeper()), staying.block_on(sleeper()));
        let handle = ending.handle().clone();
        ending.shutdown_background();
        ends_soon(&doomed);

        // Asked for by a runtime that has ended, a process is not born, and the nursery survives it.
        let asked = std::thread::spawn(move || {
            let _context = handle.enter();
            let born = child::spawn(std::process::Command::new("true"));
            tokio::runtime::Handle::current().block_on(born).is_err()
        });
        assert!(asked.join().unwrap());
        assert!(lives(&other));
        drop(other);
    }

    #[tokio::test]
    async fn complaints_are_told_without_secrets() {
        let value = "repeated-by-a-process";
        secret::declare("complaint", value.as_bytes()).unwrap();
        // The last of it is beyond what is kept.
        let script = format!("printf {value}; head -c 8165 /dev/zero | tr '\\0' x; printf {value}");
        let arguments = ["-c".into(), format!("{{ {script}; }} >&2").into()];
        let life = Life::new("machine");
        let process = Process::spawn("sh", &arguments, Inheritance::default(), life.clone(), async {}).await;
        let told = life.over().await.to_string();
        assert!(told.contains("exit status 0: [secret]xxx"), "{told}");
        assert!(
            told.ends_with("xxx[secret]") || told.ends_with("xxx[secret") || told.ends_with("xxx"),
            "{told}"
        );
        drop(process);
    }

    #[test]
    fn a_dropped_process_is_killed() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let process = runtime.block_on(sleeper());
        let id = process.id;
        drop(process);
        let began = Instant::now();
        while Path::new("/proc").join(id.to_string()).exists() {
            assert!(began.elapsed() < Duration::from_secs(10), "it lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
