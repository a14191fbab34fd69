//! One running virtual machine.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, OnceCell};

use super::agent::Agent;
use super::arguments::{self, Launch, Layer, Memory};
use super::console::Console;
use super::disk::Disk;
use super::hardware::Hardware;
use super::life::Life;
use super::monitor::Monitor;
use super::port::Port;
use super::process::{Inheritance, Process};
use super::ramfile;
use super::startup::Startup;
use crate::evidence::{Answer, Exchange};
use crate::machine::{Systemd, quoted};
use crate::{Machine, MachineError, Output, Transcript};

/// How long a guest may take to shut down.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(60);

/// How long QEMU may take to end in an orderly way.
const QUIT_LIMIT: Duration = Duration::from_secs(10);

/// The longest line that a guest may send through a port of ours, in bytes.
const LINE_LIMIT: u64 = 4 << 10;

/// The largest device state that is kept, in bytes; it is half a megabyte in practice.
const STATE_LIMIT: u64 = 256 << 20;

/// What a virtual machine is made of.
pub struct Plan {
    pub name: String,
    pub transcript: Transcript,
    pub hardware: Hardware,
    pub start: Start,
    /// The file behind the guest's memory, and whether what the guest writes goes there.
    pub memory: Arc<File>,
    pub memory_is_shared: bool,
    /// The newest layer is written to.
    pub disk: Disk,
    /// Every drive that can be plugged in.
    pub drives: Vec<Drive>,
}

/// Where execution begins.
pub enum Start {
    Cold {
        kernel: File,
        initramfs: File,
        command_line: String,
    },
    /// The state of the devices, as another machine saved it.
    Frozen(Arc<File>),
}

/// A drive that can be plugged in and pulled out while the machine runs.
#[derive(Clone)]
pub struct Drive {
    pub name: String,
    pub image: Arc<File>,
    /// It is there from the start.
    pub plugged: bool,
}

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
    identity: Mutex<BufReader<UnixStream>>,
    systemd: OnceCell<Systemd>,
    terminal: Mutex<Option<UnixStream>>,
    /// What the devices' state comes through when the machine is frozen, and its other end in QEMU.
    state: Mutex<pipe::Receiver>,
    state_number: i32,
    drives: Vec<(String, i32)>,
    pub(super) hardware: Hardware,
    pub(super) memory: Arc<File>,
    pub(super) disk: Disk,
    began: Duration,
    startup: Startup,
}

impl Vm {
    /// Starts QEMU. The guest does not run yet.
    pub async fn launch(plan: Plan) -> Result<Vm, MachineError> {
        let name = plan.name.clone();
        Self::try_launch(plan)
            .await
            .map_err(|reason| MachineError::NotStarted { machine: name, reason: reason.to_string() })
    }

    async fn try_launch(plan: Plan) -> Result<Vm, LaunchError> {
        let life = Life::new(&plan.name);
        let mut inheritance = Inheritance::default();

        let mut streams = Vec::new();
        let mut ports = Vec::new();
        for port in Port::ALL {
            let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            streams.push(UnixStream::from_std(ours)?);
            ports.push((port, inheritance.add(theirs)));
        }
        let [monitor, console, boot, agent, bus, identity, terminal]: [UnixStream; Port::ALL.len()] =
            streams.try_into().map_err(|_| io::Error::other("a port without a stream"))?;

        let (state, state_writer) = io::pipe()?;
        let state_number = inheritance.add(state_writer);
        let mut frozen = None;
        let start = match plan.start {
            Start::Cold { kernel, initramfs, command_line } => arguments::Start::Cold {
                kernel: inheritance.add(kernel),
                initramfs: inheritance.add(initramfs),
                command_line,
            },
            Start::Frozen(saved) => {
                frozen = Some(inheritance.add(ramfile::reopen(&saved)?));
                arguments::Start::Frozen
            }
        };
        let memory =
            Memory { file: inheritance.add(plan.memory.try_clone()?), shared: plan.memory_is_shared };
        let mut disk = Vec::new();
        for (file, format) in plan.disk.layers() {
            disk.push(Layer { file: inheritance.add(file.try_clone()?), format: *format });
        }
        let mut drives = Vec::new();
        let mut plugged = Vec::new();
        for drive in &plan.drives {
            let number = inheritance.add(drive.image.try_clone()?);
            drives.push((drive.name.clone(), number));
            if drive.plugged {
                plugged.push((drive.name.clone(), number));
            }
        }

        let hardware = plan.hardware;
        let launch = Launch { hardware: hardware.clone(), start, memory, disk, drives: plugged, ports };
        let emulator = hardware.emulator();
        let line = arguments::arguments(&launch);
        let console = Console::watch(console, life.clone());
        plan.transcript.keep_console(&plan.name, console.tail());
        let starting = Instant::now();
        let process = Process::spawn(emulator, &line, inheritance, life.clone(), console.drained())
            .await
            .map_err(|error| LaunchError::emulator(emulator, error))?;

        let monitor = life.during(Monitor::open(&plan.name, monitor)).await?;
        let emulator = starting.elapsed();
        if let Some(number) = frozen {
            life.during(monitor.load_state(number)).await?;
        }
        let startup = Startup { emulator, state: starting.elapsed() - emulator };
        Ok(Vm {
            agent: Agent::open(&plan.name, agent),
            boot: Mutex::new(BufReader::new(boot)),
            bus: Mutex::new(Some(bus)),
            identity: Mutex::new(BufReader::new(identity)),
            systemd: OnceCell::new(),
            terminal: Mutex::new(Some(terminal)),
            name: plan.name,
            transcript: plan.transcript,
            life,
            process: Mutex::new(process),
            monitor,
            state: Mutex::new(pipe::Receiver::from_owned_fd(state.into())?),
            state_number,
            drives,
            hardware,
            memory: plan.memory,
            disk: plan.disk,
            began: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            startup,
        })
    }

    /// Lets the guest run.
    pub async fn resume(&self) -> Result<(), MachineError> {
        self.life.during(self.monitor.resume()).await
    }

    /// Waits until the initramfs is loaded and has not touched a disk yet.
    pub async fn waits_for_disk(&self, limit: Duration) -> Result<(), MachineError> {
        self.line_from(&self.boot, "the initramfs to be ready", limit).await.map(drop)
    }

    /// Has the initramfs mount the root disk and start the system there, with the present time and random
    /// numbers of its own.
    pub(super) async fn boot_from_disk(&self, order: &str) -> Result<(), MachineError> {
        let mut boot = self.boot.lock().await;
        let sent = boot.get_mut().write_all(order.as_bytes()).await;
        sent.map_err(|error| self.refused("tell the initramfs to go on", error))
    }

    /// Gives the guest random numbers, a machine id and a time of its own.
    pub(super) async fn renew_identity(&self, order: &str, limit: Duration) -> Result<(), MachineError> {
        let sent = self.identity.lock().await.get_mut().write_all(order.as_bytes()).await;
        sent.map_err(|error| self.refused("renew the identity", error))?;
        match self.line_from(&self.identity, "the guest to renew its identity", limit).await?.trim() {
            "renewed" => Ok(()),
            reason => Err(self.refused("renew the identity", reason)),
        }
    }

    /// Waits until the guest agent runs.
    pub async fn answers(&self, limit: Duration) -> Result<(), MachineError> {
        self.life.during(self.agent.answers(limit)).await
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

    /// Stops the guest and gives its device state; memory and disk are then as they were at that moment.
    pub(super) async fn freeze(&self) -> Result<File, MachineError> {
        self.life.during(self.monitor.pause()).await?;
        let mut state = Vec::new();
        let mut stream = self.state.lock().await;
        let mut stream = (&mut *stream).take(STATE_LIMIT);
        let (read, saved) = tokio::join!(stream.read_to_end(&mut state), async {
            let saved = self.life.during(self.monitor.save_state(self.state_number)).await;
            // Only when QEMU is gone does the stream end.
            self.quit().await;
            saved
        });
        saved?;
        read.map_err(|error| self.refused("receive the saved state", error))?;
        ramfile::holding(&state).map_err(|error| self.refused("keep the saved state", error))
    }

    /// Ends QEMU in an orderly way, as if the power was cut after the disk had written everything.
    pub async fn quit(&self) {
        // QEMU may be gone before it has answered: either way, it is gone afterwards.
        let mut process = self.process.lock().await;
        if tokio::time::timeout(QUIT_LIMIT, async {
            let _ = self.monitor.quit().await;
            process.gone().await;
        })
        .await
        .is_err()
        {
            process.kill().await;
        }
    }

    /// Waits until the guest has powered itself off or rebooted, which ends QEMU.
    pub async fn ends(&self, limit: Duration) -> Result<(), MachineError> {
        let mut process = self.process.lock().await;
        let gone = tokio::time::timeout(limit, process.gone()).await;
        gone.map_err(|_| self.never("the machine to power off", limit))
    }

    /// Shuts the guest down in an orderly way.
    pub async fn shut_down(&self) -> Result<(), MachineError> {
        let began = Instant::now();
        // The agent may be gone before it can answer.
        let asked = self.agent.run("systemctl poweroff", b"", SHUTDOWN_LIMIT);
        let off = self.ends(SHUTDOWN_LIMIT);
        let done = tokio::select! { ended = off => ended, never = async { let _ = asked.await; std::future::pending().await } => never };
        self.record("shut down".to_owned(), began, &done);
        done
    }

    /// Kills QEMU.
    pub async fn kill(&self) {
        self.process.lock().await.kill().await;
    }

    /// The disk with everything the machine has written.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// When this machine was started, as time since 1970.
    pub fn began(&self) -> Duration {
        self.began
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
        let mut line = String::new();
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

    async fn recorded(
        &self,
        action: String,
        done: impl Future<Output = Result<(), MachineError>>,
    ) -> Result<(), MachineError> {
        let began = Instant::now();
        let result = done.await;
        self.record(action, began, &result);
        result
    }

    fn record(&self, action: String, began: Instant, result: &Result<(), MachineError>) {
        let answer = match result {
            Ok(()) => Answer::Done,
            Err(error) => Answer::None(error.to_string()),
        };
        let machine = self.name.clone();
        self.transcript.record(Exchange { machine, action, answer, took: began.elapsed() });
    }

    fn never(&self, what: &str, limit: Duration) -> MachineError {
        MachineError::Never { machine: self.name.clone(), what: what.into(), limit }
    }

    fn refused(&self, action: &str, reason: impl std::fmt::Display) -> MachineError {
        let (machine, action) = (self.name.clone(), action.to_owned());
        MachineError::Refused { machine, action, reason: reason.to_string() }
    }
}

#[async_trait]
impl Machine for Vm {
    fn name(&self) -> &str {
        &self.name
    }

    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    async fn run_within(&self, command: &str, limit: Duration) -> Result<Output, MachineError> {
        let began = Instant::now();
        let result = self.life.during(self.agent.run(command, b"", limit)).await;
        let answer = match &result {
            Ok(output) => Answer::Ran(output.clone()),
            Err(error) => Answer::None(error.to_string()),
        };
        let (machine, action) = (self.name.clone(), command.to_owned());
        self.transcript.record(Exchange { machine, action, answer, took: began.elapsed() });
        result
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError> {
        let command = format!("exec cat -- {}", quoted(&path.to_string_lossy()));
        let output = self.life.during(self.agent.run(&command, b"", crate::machine::COMMAND_LIMIT)).await?;
        if output.success() {
            return Ok(output.stdout);
        }
        Err(MachineError::Failed { machine: self.name.clone(), command, output })
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        let file = quoted(&path.to_string_lossy());
        let command =
            format!("umask 022 && mkdir -p \"$(dirname {file})\" && cat >{file} && chmod {mode:04o} {file}");
        let output =
            self.life.during(self.agent.run(&command, content, crate::machine::COMMAND_LIMIT)).await?;
        if output.success() {
            return Ok(());
        }
        Err(MachineError::Failed { machine: self.name.clone(), command, output })
    }
}

/// Why a machine could not be started.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error("{0} is not installed: run `assay doctor`, it tells how to install it")]
    NoEmulator(String),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Machine(#[from] MachineError),
}

impl LaunchError {
    fn emulator(program: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => LaunchError::NoEmulator(program.to_owned()),
            _ => LaunchError::Io(error),
        }
    }
}
