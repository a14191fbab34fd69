//! Starting QEMU.

use std::fs::File;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use record::{MachineError, Phase, Transcript};
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, OnceCell};

use super::Vm;
use crate::life::Life;
use crate::qemu::agent::Agent;
use crate::qemu::arguments::{self, Launch, Layer, Memory};
use crate::qemu::clock::{self, Clock};
use crate::qemu::console::Console;
use crate::qemu::contact::Contact;
use crate::qemu::disk::Disk;
use crate::qemu::ends::Ends;
use crate::qemu::hardware::Hardware;
use crate::qemu::monitor::Monitor;
use crate::qemu::port::Port;
use crate::qemu::process::{Inheritance, Process};
use crate::qemu::ramfile;
use crate::qemu::smbios::Smbios;
use crate::qemu::startup::Startup;

/// What a virtual machine is made of.
pub struct Plan {
    pub name: String,
    pub transcript: Transcript,
    pub hardware: Hardware,
    pub clock: Clock,
    /// The time since 1970 that it begins at, unless it is the host's.
    pub time: Option<Duration>,
    pub start: Start,
    /// The OEM strings that firmware and system find.
    pub smbios: Smbios,
    /// How it is spoken to, if it boots from its own disk.
    pub contact: Option<Contact>,
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
    /// With its firmware, from its disk.
    Disk,
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

impl Vm {
    /// Starts QEMU. The guest does not run yet.
    pub async fn launch(plan: Plan) -> Result<Vm, MachineError> {
        let name = plan.name.clone();
        // In a box: what is inside is too deep for the checks' own futures.
        Box::pin(Self::try_launch(plan))
            .await
            .map_err(|reason| MachineError::NotStarted { machine: name, reason: reason.to_string() })
    }

    async fn try_launch(plan: Plan) -> Result<Vm, LaunchError> {
        let life = Life::new(&plan.name);
        plan.transcript.executed_by(&plan.name, plan.hardware.accelerator);
        let mut inheritance = Inheritance::default();

        let mut streams = Vec::new();
        let mut ports = Vec::new();
        for port in Port::ALL {
            let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            streams.push(UnixStream::from_std(ours)?);
            ports.push((port, inheritance.add(theirs)));
        }
        let [monitor, console, boot, agent, ends, bus, resident, terminal]: [UnixStream; Port::ALL.len()] =
            streams.try_into().map_err(|_| io::Error::other("a port without a stream"))?;

        let (state, state_writer) = io::pipe()?;
        let state_number = inheritance.add(state_writer);
        let mut frozen = None;
        let calls = matches!(plan.start, Start::Disk);
        let start = match plan.start {
            Start::Cold { kernel, initramfs, command_line } => arguments::Start::Cold {
                kernel: inheritance.add(kernel),
                initramfs: inheritance.add(initramfs),
                command_line,
            },
            Start::Disk => arguments::Start::Disk,
            Start::Frozen(saved) => {
                let state = match plan.clock {
                    Clock::Real => ramfile::reopen(&saved)?,
                    Clock::Lapse => clock::without_real_time(&saved)?,
                };
                frozen = Some(inheritance.add(state));
                arguments::Start::Frozen
            }
        };
        let memory =
            Memory { file: inheritance.add(plan.memory.try_clone()?), shared: plan.memory_is_shared };
        let mut disk = Vec::new();
        for (file, format) in plan.disk.layers() {
            disk.push(Layer { file: inheritance.add(file.try_clone()?), format: *format });
        }
        let write_log = match plan.clock {
            Clock::Real => None,
            Clock::Lapse => Some(ramfile::empty(0)?),
        };
        let log_number = match &write_log {
            Some(log) => Some(inheritance.add(log.try_clone()?)),
            None => None,
        };
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
        let firmware = hardware.firmware.open(hardware.architecture)?.map(|file| inheritance.add(file));
        let smbios = match &plan.contact {
            Some(_) => Contact::with(&plan.smbios),
            None => plan.smbios.clone(),
        };
        let instruments = match &plan.contact {
            Some(contact) => Some(inheritance.add(contact.drive.try_clone()?)),
            None => None,
        };
        let launch = Launch {
            hardware: hardware.clone(),
            clock: plan.clock,
            start,
            firmware,
            smbios: smbios.handed_to(&mut inheritance)?,
            instruments,
            time: plan.time.filter(|_| calls),
            memory,
            disk,
            write_log: log_number,
            drives: plugged,
            ports,
        };
        let emulator = hardware.emulator();
        let line = arguments::arguments(&launch);
        let console = Console::watch(console, life.clone());
        plan.transcript.keep_console(&plan.name, console.tail());
        let starting = Instant::now();
        let (transcript, name, drained) = (plan.transcript.clone(), plan.name.clone(), console.drained());
        let last_words = async move {
            drained.await;
            transcript.ended(&name);
        };
        let process = Process::spawn(emulator, &line, inheritance, life.clone(), last_words)
            .await
            .map_err(|error| LaunchError::emulator(emulator, error))?;

        let monitor = life.during(Monitor::open(&plan.name, monitor)).await?;
        let emulator = starting.elapsed();
        plan.transcript.phase(&plan.name, Phase::since(starting, "QEMU starts"));
        if let Some(number) = frozen {
            let loading = Instant::now();
            life.during(monitor.load_state(number)).await?;
            plan.transcript.phase(&plan.name, Phase::since(loading, "its state loads"));
        }
        let began =
            plan.time.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let startup = Startup { emulator, state: starting.elapsed() - emulator };
        Ok(Vm {
            agent: Agent::open(&plan.name, agent, Ends::listen(ends)),
            boot: Mutex::new(BufReader::new(boot)),
            bus: Mutex::new(Some(bus)),
            resident: Mutex::new(BufReader::new(resident)),
            asking: Mutex::default(),
            systemd: OnceCell::new(),
            terminal: Mutex::new(Some(terminal)),
            channels: Mutex::default(),
            name: plan.name,
            transcript: plan.transcript,
            life,
            process: Mutex::new(process),
            monitor,
            state: Mutex::new(pipe::Receiver::from_owned_fd(state.into())?),
            state_number,
            drives,
            hardware,
            clock: plan.clock,
            smbios: plan.smbios,
            contact: plan.contact,
            calls,
            memory: plan.memory,
            disk: plan.disk,
            write_log,
            left: OnceLock::new(),
            began,
            calendar: Mutex::new(began),
            wrong_time: OnceLock::new(),
            stopped: Mutex::new(None),
            startup,
        })
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
