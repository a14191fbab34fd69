//! Machines: anything that can run commands and move files, and what can be broken about it.

pub mod bus;
pub mod child;
pub mod container;
mod contents;
pub mod fake;
pub mod fault;
mod files;
mod granted;
mod life;
pub mod patience;
pub mod programs;
pub mod qemu;
pub mod ssh;
mod systemd;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::net::UnixStream;

pub use contents::{Contents, Difference};
pub use granted::{Granted, declared};
pub use systemd::Systemd;

use record::{MachineError, Need, Output, Transcript};

use self::qemu::{Peer, Vm};
use crate::fault::{Cue, Step, Unflushed};

/// A machine under test. Every exchange goes into its transcript.
///
/// What not every kind of machine can do is refused by those that cannot, with the [`Need`] that it is.
#[async_trait]
pub trait Machine: Send + Sync {
    fn name(&self) -> &str;

    fn transcript(&self) -> &Transcript;

    /// Runs a shell command as root and waits for its end, at most `limit`.
    /// A command that fails is an answer, not an error.
    async fn run_within(&self, command: &str, limit: Duration) -> Result<Output, MachineError>;

    /// Runs a shell command as root, at most [`COMMAND_LIMIT`].
    async fn run(&self, command: &str) -> Result<Output, MachineError> {
        self.run_within(command, COMMAND_LIMIT).await
    }

    /// Runs a command that is only a means to an end: its failure is an error of the harness.
    async fn succeed(&self, command: &str) -> Result<String, MachineError> {
        let output = self.run(command).await?;
        Ok(successful(self.name(), command, output)?.text())
    }

    /// Reads a whole file, at most 16 MiB.
    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError>;

    /// Writes a whole file with these permission bits, making the directories above it.
    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError>;

    /// Puts a program there for a check's own use, and tells where it can be executed. Nothing that is judged looks there.
    async fn bring(&self, name: &str, program: &[u8]) -> Result<PathBuf, MachineError> {
        let path = Path::new(BROUGHT).join(name);
        self.write(&path, program, 0o755).await?;
        Ok(path)
    }

    /// When it was started, as time since 1970.
    fn began(&self) -> Duration;

    /// How long it has been up, by its own clock.
    async fn uptime(&self) -> Result<Duration, MachineError>;

    /// Lets this much of its time pass, and gives its uptime. Where time passes by itself, that is no more than
    /// [`LONGEST_WAIT`].
    async fn lapse(&self, time: Duration) -> Result<Duration, MachineError> {
        wait(self, time).await
    }

    /// Lets time pass until it has been up for so long, and gives its uptime, which is not less.
    async fn lapse_until(&self, _uptime: Duration) -> Result<Duration, MachineError> {
        Err(self.lacks(Need::Lapse))
    }

    /// Moves its wall clock, as `settimeofday` does. What counts uptime does not notice. A machine that is powered on
    /// after this one has the right time again, as from a clock of its own.
    async fn step_clock(&self, _step: Step) -> Result<(), MachineError> {
        Err(self.lacks(Need::Lapse))
    }

    /// Has the hardware's clock be wrong: a machine that is powered on after this one is told that it is this time since
    /// 1970. Zero is what a clock says whose battery is empty.
    async fn set_hardware_clock(&self, _time: Duration) -> Result<(), MachineError> {
        Err(self.lacks(Need::Lapse))
    }

    /// Waits until it takes commands.
    async fn answers(&self, _limit: Duration) -> Result<(), MachineError> {
        Ok(())
    }

    /// Shuts it down in an orderly way.
    async fn shut_down(&self) -> Result<(), MachineError> {
        Err(self.lacks(Need::Boot))
    }

    /// Waits until it has powered itself off, or rebooted.
    async fn ends(&self, _limit: Duration) -> Result<(), MachineError> {
        Err(self.lacks(Need::Boot))
    }

    /// Begins a shell command that is to bring a cue about, unless it is empty, lets time pass, and stops the machine
    /// at the cue: what brought it about has not executed one more instruction outside the kernel. Only a machine with
    /// one processor can be stopped so. Its disk may still complete what it was given before.
    ///
    /// Gives its uptime. The machine stands still until [`Machine::go_on`], or its power is cut. When the cue has not
    /// come within so much of its time, that is [`MachineError::NoCue`], and the machine goes on.
    async fn stop_at(&self, _cue: &Cue, _command: &str, _limit: Duration) -> Result<Duration, MachineError> {
        Err(self.lacks(Need::Power))
    }

    /// Lets a machine go on that stands still.
    async fn go_on(&self) -> Result<(), MachineError> {
        Err(self.lacks(Need::Power))
    }

    /// Cuts the power. The disk that is left is that of a machine powered on again.
    async fn cut_power(&self, _unflushed: Unflushed) -> Result<(), MachineError> {
        Err(self.lacks(Need::Power))
    }

    /// Cuts the power at a cue that a shell command brings about, within so much of its time.
    async fn cut_power_when(
        &self,
        cue: &Cue,
        command: &str,
        limit: Duration,
        unflushed: Unflushed,
    ) -> Result<(), MachineError> {
        self.stop_at(cue, command, limit).await?;
        self.cut_power(unflushed).await
    }

    /// Plugs a drive in.
    async fn plug(&self, _drive: &str) -> Result<(), MachineError> {
        Err(self.lacks(Need::Drives))
    }

    /// Pulls a drive out, in use or not.
    async fn unplug(&self, _drive: &str) -> Result<(), MachineError> {
        Err(self.lacks(Need::Drives))
    }

    /// A stream to a socket of its own, `unix:PATH` or `tcp:PORT` of its loopback, whose client there is a process of
    /// this user's. It ends when either end does.
    async fn connect(&self, _address: &str, _user: Peer<'_>) -> Result<UnixStream, MachineError> {
        Err(self.lacks(Need::Sockets))
    }

    /// Its service manager, over its system bus.
    async fn systemd(&self) -> Result<&Systemd, MachineError> {
        Err(self.lacks(Need::Sockets))
    }

    /// Everything on its root disk, with all that was written until now.
    async fn contents(&self) -> Result<Contents, MachineError> {
        Err(self.lacks(Need::Disk))
    }

    /// The whole disk, as a raw image in memory. What the machine has not written yet is not in it.
    async fn disk_image(&self) -> Result<File, MachineError> {
        Err(self.lacks(Need::Disk))
    }

    /// Lets the root disk do at most so many things in a second of real time; 0 for as many as it can.
    async fn slow_disk(&self, _operations: u32) -> Result<(), MachineError> {
        Err(self.lacks(Need::Disk))
    }

    /// Ends it, whatever it does. What is asked of it afterwards fails.
    async fn end(&self);

    /// Whether it is known to have ended.
    fn is_over(&self) -> bool {
        false
    }

    /// Waits for its end, and says what that was.
    fn death(&self) -> BoxFuture<'_, MachineError> {
        Box::pin(std::future::pending())
    }

    /// The virtual machine that it is, for whoever powers it on again.
    fn vm(&self) -> Option<&Vm> {
        None
    }

    /// That it has not what somebody needs.
    fn lacks(&self, need: Need) -> MachineError {
        MachineError::Lacks { machine: self.name().to_owned(), need }
    }
}

/// The most time that may be let pass at once where it passes by itself.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Lets time pass where it passes by itself.
async fn wait<M: Machine + ?Sized>(machine: &M, time: Duration) -> Result<Duration, MachineError> {
    if time > LONGEST_WAIT {
        return Err(machine.lacks(Need::Lapse));
    }
    let waiting = life::during(machine.death(), async {
        tokio::time::sleep(time).await;
        Ok(())
    });
    machine
        .transcript()
        .noted(machine.name(), &format!("let {} s pass", time.as_secs_f64()), waiting)
        .await?;
    machine.uptime().await
}

/// Where programs are put that are not the machine's own. `/run` and `/tmp` may be mounted so that nothing is executed.
const BROUGHT: &str = "/var/tmp/assay";

/// How long a command may take when nothing else is said. Everything is emulated: generous.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// A text as one word of a shell command.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The output of a command that is only a means to an end.
fn successful(machine: &str, command: &str, output: Output) -> Result<Output, MachineError> {
    if output.success() {
        return Ok(output);
    }
    Err(MachineError::Failed { machine: machine.into(), command: command.into(), output })
}

/// The shell command that prints a file.
fn reading(path: &Path) -> String {
    format!("exec cat -- {}", quoted(&path.to_string_lossy()))
}

/// The shell command that writes its standard input to a file, making the directories above it.
fn writing(path: &Path, mode: u32) -> String {
    let file = quoted(&path.to_string_lossy());
    format!("umask 022 && mkdir -p \"$(dirname {file})\" && cat >{file} && chmod {mode:04o} {file}")
}
