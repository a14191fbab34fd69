//! One running virtual machine.

mod channel;
mod command;
mod contents;
mod launch;
mod power;
mod resident;
mod stop;
mod time;

use std::fs::File;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, OnceCell};

pub use channel::{Peer, ROOT};
pub use launch::{Drive, Plan, Start};
use record::{MachineError, Phase, Transcript};
pub(crate) use resident::word;

use super::agent::Agent;
use super::clock::Clock;
use super::contact::Contact;
use super::disk::Disk;
use super::hardware::Hardware;
use super::monitor::Monitor;
use super::process::Process;
use super::smbios::Smbios;
use super::startup::Startup;
use crate::Systemd;
use crate::life::Life;
use crate::patience::patient;
use stop::Stop;

/// The longest line that a guest may send through a port of ours, in bytes.
const LINE_LIMIT: u64 = 4 << 10;

/// How soon a machine is called again that has not answered: nothing tells when it could.
/// Meanwhile the port is there for the guest to look at, and its udev looks for new rules every three seconds.
const CALL_AGAIN: Duration = Duration::from_secs(4);

/// What is waited for then.
const ANSWER: &str = "the disk to boot and to start what answers, for which it needs systemd 252 or later";

/// A running virtual machine. Dropping it kills it.
pub struct Vm {
    name: String,
    transcript: Transcript,
    life: Life,
    process: Mutex<Process>,
    monitor: Monitor,
    agent: Agent,
    boot: Mutex<BufReader<UnixStream>>,
    bus: Mutex<Option<UnixStream>>,
    resident: Mutex<BufReader<UnixStream>>,
    asking: Mutex<()>,
    systemd: OnceCell<Systemd>,
    terminal: Mutex<Option<UnixStream>>,
    /// How many channels were plugged in so far.
    channels: Mutex<u32>,
    /// What the devices' state comes through when the machine is frozen, and its other end in QEMU.
    state: Mutex<pipe::Receiver>,
    state_number: i32,
    drives: Vec<(String, i32)>,
    pub(in crate::qemu) hardware: Hardware,
    clock: Clock,
    pub(in crate::qemu) smbios: Smbios,
    pub(in crate::qemu) contact: Option<Contact>,
    /// Whether it has to be called until it answers.
    calls: bool,
    pub(in crate::qemu) memory: Arc<File>,
    pub(in crate::qemu) disk: Disk,
    /// All that was written to the disk, and when.
    write_log: Option<File>,
    /// The disk after a power cut, if it is not what was written to it.
    left: OnceLock<Disk>,
    began: Duration,
    /// The guest's time since 1970 when it was last asked, whatever was done to its wall clock.
    calendar: Mutex<Duration>,
    /// The time since 1970 that a machine is told that is powered on after this one, if it is not the right one.
    wrong_time: OnceLock<Duration>,
    /// Where it stands still.
    stopped: Mutex<Option<Stop>>,
    startup: Startup,
}

impl Vm {
    /// Waits until the guest agent runs.
    pub async fn answers(&self, limit: Duration) -> Result<(), MachineError> {
        let began = Instant::now();
        let answered = match self.calls {
            true => self.life.during(self.called(limit)).await,
            false => self.life.during(self.agent.answers(limit)).await,
        };
        self.transcript.phase(&self.name, Phase::since(began, "until it answers"));
        answered
    }

    /// Plugs a port in again and again until it answers: a system that has booted so far that it notices starts what does.
    async fn called(&self, limit: Duration) -> Result<(), MachineError> {
        let mut answering = pin!(self.agent.answers(limit));
        loop {
            self.monitor.call().await?;
            let answered = tokio::time::timeout(CALL_AGAIN, &mut answering).await;
            self.monitor.hang_up().await?;
            match answered {
                Ok(Err(MachineError::Never { .. })) => return Err(self.never(ANSWER, limit)),
                Ok(answered) => return answered,
                Err(_) => {}
            }
        }
    }

    /// Plugs a drive in.
    pub async fn plug(&self, drive: &str) -> Result<(), MachineError> {
        let path = self.drive_path(drive)?;
        let done = self.life.during(self.monitor.plug(drive, &path));
        self.recorded(format!("plug the drive {drive}"), done).await
    }

    /// Pulls a drive out, in use or not.
    pub async fn unplug(&self, drive: &str) -> Result<(), MachineError> {
        let done = self.life.during(self.monitor.unplug(drive));
        self.recorded(format!("unplug the drive {drive}"), done).await
    }

    /// The disk with everything the machine has written, or has left behind when its power was cut.
    pub fn disk(&self) -> &Disk {
        self.left.get().unwrap_or(&self.disk)
    }

    /// Whether its time follows the instructions that it has executed.
    pub fn counts_instructions(&self) -> bool {
        self.hardware.counts_instructions()
    }

    /// How long it took until the guest could run.
    pub fn startup(&self) -> Startup {
        self.startup
    }

    /// The process id of QEMU.
    pub async fn process_id(&self) -> u32 {
        self.process.lock().await.id
    }

    /// The guest's service manager, over the guest's system bus.
    pub async fn systemd(&self) -> Result<&Systemd, MachineError> {
        let connecting = async {
            let stream = self.bus.lock().await.take();
            let stream = stream.ok_or_else(|| self.refused("connect to the bus", "it failed before"))?;
            Systemd::connect(&self.name, stream).await
        };
        self.life.during(self.systemd.get_or_try_init(|| connecting)).await
    }

    /// The guest's terminal. It can be taken once.
    pub async fn take_terminal(&self) -> Option<UnixStream> {
        self.terminal.lock().await.take()
    }

    /// A line that the guest sends, at most [`LINE_LIMIT`] bytes of it.
    async fn line_from(
        &self,
        port: &Mutex<BufReader<UnixStream>>,
        what: &str,
        limit: Duration,
    ) -> Result<String, MachineError> {
        let (mut line, limit) = (String::new(), patient(limit));
        let mut port = port.lock().await;
        let mut bounded = (&mut *port).take(LINE_LIMIT);
        let waiting = async {
            match tokio::time::timeout(limit, bounded.read_line(&mut line)).await {
                Ok(Ok(length)) if length > 0 => Ok(()),
                Ok(Err(error)) => Err(self.refused(&format!("wait for {what}"), error)),
                // QEMU has hung up: what became of the machine is known in a moment.
                Ok(Ok(_)) => std::future::pending().await,
                Err(_) => Err(self.never(what, limit)),
            }
        };
        self.life.during(waiting).await?;
        Ok(line)
    }

    fn drive_path(&self, drive: &str) -> Result<String, MachineError> {
        let number = self.drives.iter().find(|(name, _)| name == drive).map(|(_, number)| number);
        let number =
            number.ok_or_else(|| self.refused(&format!("plug {drive}"), "there is no such drive"))?;
        Ok(format!("/dev/fd/{number}"))
    }

    pub(crate) async fn recorded<T>(
        &self,
        action: String,
        doing: impl Future<Output = Result<T, MachineError>>,
    ) -> Result<T, MachineError> {
        self.transcript.noted(&self.name, &action, doing).await
    }

    fn never(&self, what: &str, limit: Duration) -> MachineError {
        MachineError::Never { machine: self.name.clone(), what: what.into(), limit }
    }

    pub(crate) fn refused(&self, action: &str, reason: impl std::fmt::Display) -> MachineError {
        MachineError::refused(&self.name, action, reason)
    }
}
