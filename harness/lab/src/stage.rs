//! Where the machines of one stage come from: a provisioned disk, and templates made from it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use machine::Machine;
use machine::patience::patient;
use machine::qemu::{Clock, Disk, Drive, Own, PowerOn, Smbios, Template, Vm};
use record::event::{Event, Listener};
use record::{Accelerator, MachineError, Need, Status, Transcript};
use tokio::sync::OnceCell;

use super::changed::Running;
use super::memo::Memo;
use super::provisioning::Provisioning;
use super::store::Store;

/// How long a boot may take under emulation, on a host that has other things to do. What is seen to have died is not
/// waited for.
pub const BOOT_LIMIT: Duration = Duration::from_secs(240);

/// Which drives are there at power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drives {
    /// Those that the target says are plugged in.
    Plugged,
    /// None: they may be plugged in later.
    Absent,
}

/// The machines of one stage of a target: as provisioned, or with changes.
pub struct Stage {
    /// What its machines are named after.
    pub(super) name: String,
    pub(super) power_on: PowerOn,
    /// The disk of a machine that is off.
    pub(super) disk: Disk,
    /// How it came to be, unless it is the image itself.
    pub(super) provisioning: Option<Provisioning>,
    pub(super) drives: Vec<Drive>,
    pub(super) templates: Arc<Templates>,
    pub memo: Memo,
    /// Where templates are kept for the next run; those of a changed target are not.
    pub(super) store: Option<Arc<Store>>,
    /// What its templates are made from instead of a boot.
    pub(super) running: Option<Arc<Running>>,
    pub(super) listener: Arc<dyn Listener>,
    pub(super) machines: Arc<AtomicU32>,
}

/// The templates that this run has made or found.
#[derive(Default)]
pub(super) struct Templates {
    plugged: OnceCell<Booted>,
    absent: OnceCell<Booted>,
    /// In memory only: the strings may hold secrets.
    with_strings: Mutex<HashMap<Smbios, Arc<OnceCell<Booted>>>>,
}

impl Templates {
    /// Those of a target whose machines go on from here.
    pub(super) fn from(plugged: Template) -> Templates {
        Templates { plugged: OnceCell::from(Ok(plugged)), ..Templates::default() }
    }
}

/// A template, or why there is none.
type Booted = Result<Template, Unbootable>;

struct Unbootable {
    reason: String,
    /// With the console of the machine that did not boot.
    seen: Transcript,
}

impl Stage {
    /// A fork of the machine that was powered on with these drives and has finished booting.
    pub async fn fork(
        &self,
        drives: Drives,
        clock: Clock,
        transcript: &Transcript,
    ) -> Result<Vm, MachineError> {
        let template = self.template_seen(drives, transcript).await?;
        template.fork(&self.next_name(), clock, transcript).await
    }

    /// Has something done to a fork, and freezes it then.
    pub async fn template_after<E: From<MachineError>>(
        &self,
        drives: Drives,
        transcript: &Transcript,
        doing: impl for<'m> FnOnce(&'m dyn Machine) -> BoxFuture<'m, Result<(), E>> + Send,
    ) -> Result<Template, E> {
        let template = self.template_seen(drives, transcript).await?;
        template.after(&self.next_name(), transcript, doing).await
    }

    /// What the next machine is called.
    pub fn next_name(&self) -> String {
        let number = self.machines.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}-{number}", self.name)
    }

    /// Whether the clock of an idle guest can jump here. `Err` says why it cannot.
    pub fn has_time_lapse(&self) -> Result<(), MachineError> {
        let hardware = self.power_on.hardware();
        let reason = match (hardware.accelerator, hardware.cpus) {
            (Accelerator::Tcg, 1) if hardware.counts_instructions() => return Ok(()),
            (Accelerator::Tcg, 1) => "it starts OVMF, under which instructions are not counted".to_owned(),
            (Accelerator::Kvm, _) => "it runs under KVM: run it with `--accel tcg`".to_owned(),
            (Accelerator::Tcg, cpus) => format!("it has {cpus} processors, and only one can be kept busy"),
        };
        Err(MachineError::NoTimeLapse { target: self.name.clone(), reason })
    }

    /// Whether its machines have this; or why not.
    pub(super) fn has(&self, need: Need) -> Result<(), String> {
        let lacks = |what: &str| Err(format!("{}, which boots from its own disk, has {what}", self.name));
        match (need, &self.power_on) {
            (Need::Lapse, _) => self.has_time_lapse().map_err(|error| error.to_string()),
            (Need::Drives, PowerOn::Firmware(..)) => lacks("no other drives"),
            (Need::Disk, PowerOn::Firmware(..)) => lacks("partitions, which are not looked into"),
            _ => Ok(()),
        }
    }

    /// Powers a machine on, with the disk as provisioned. It boots while this returns.
    pub async fn power_on(
        &self,
        drives: Drives,
        clock: Clock,
        transcript: &Transcript,
    ) -> Result<Vm, MachineError> {
        self.power_on.boot(self.own(drives, clock, transcript)?).await
    }

    /// Powers a machine on with its drives and nothing prepared. It boots while this returns.
    pub async fn power_on_cold(&self, transcript: &Transcript) -> Result<Vm, MachineError> {
        self.power_on.boot_cold(self.own(Drives::Plugged, Clock::Real, transcript)?).await
    }

    /// A fork of the machine that was powered on with these strings and its drives, and has finished booting.
    pub async fn fork_with(
        &self,
        smbios: &Smbios,
        clock: Clock,
        transcript: &Transcript,
    ) -> Result<Vm, MachineError> {
        let cell = {
            let mut made =
                self.templates.with_strings.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            made.entry(smbios.clone()).or_default().clone()
        };
        let template = cell.get_or_init(|| async {
            let seen = Transcript::default();
            let what = format!("boot {} with its strings", self.name);
            self.freeze_booted(what, Drives::Plugged, &seen, async |own| {
                self.power_on.boot_cold_for_template(own, smbios.clone()).await
            })
            .await
            .map_err(|error| Unbootable { reason: error.to_string(), seen })
        });
        let asked = Instant::now();
        let booted = template.await;
        transcript.waited(asked);
        let template = self.booted_or_why(booted, transcript)?;
        template.fork(&self.next_name(), clock, transcript).await
    }

    /// Powers a machine on again, with the disk that another has left.
    pub async fn power_on_again(
        &self,
        machine: &Vm,
        drives: Drives,
        transcript: &Transcript,
    ) -> Result<Vm, MachineError> {
        let name = self.next_name();
        // On a layer of its own: what the other has left stays as it is.
        let disk = machine.disk().fresh_layer().map_err(|error| not_started(&name, &error))?;
        let (transcript, drives) = (transcript.clone(), self.drives(drives));
        let (clock, time) = (machine.clock(), machine.time_at_its_end().await);
        self.power_on.boot(Own { name, transcript, disk, drives, clock, time }).await
    }

    /// The machine that was powered on with these drives, frozen when it had booted.
    pub async fn template(&self, drives: Drives) -> Result<&Template, MachineError> {
        self.template_seen(drives, &Transcript::default()).await
    }

    /// The template; when there is none, the transcript tells what was seen of the boot.
    async fn template_seen(
        &self,
        drives: Drives,
        transcript: &Transcript,
    ) -> Result<&Template, MachineError> {
        let cell = match drives {
            Drives::Plugged => &self.templates.plugged,
            Drives::Absent => &self.templates.absent,
        };
        let booting = cell.get_or_try_init(|| async {
            let seen = Transcript::default();
            match &self.store {
                Some(store) => {
                    let template = store.template(self, drives, &seen).await;
                    template.map(Ok).inspect_err(|_| transcript.include(&seen))
                }
                // A change that keeps a machine from booting does so every time: once is enough to know.
                None => Ok(self.make_template(drives, &seen).await.map_err(|error| {
                    let reason = error.to_string();
                    Unbootable { reason, seen }
                })),
            }
        });
        let asked = Instant::now();
        let booted = booting.await;
        transcript.waited(asked);
        self.booted_or_why(booted?, transcript)
    }

    fn booted_or_why<'b>(
        &self,
        booted: &'b Booted,
        transcript: &Transcript,
    ) -> Result<&'b Template, MachineError> {
        booted.as_ref().map_err(|Unbootable { reason, seen }| {
            transcript.include(seen);
            MachineError::NotBooted { target: self.name.clone(), reason: reason.clone() }
        })
    }

    /// The same machine with this disk, of which nothing is known yet.
    pub(super) fn with(&self, disk: Disk) -> Stage {
        Stage {
            name: self.name.clone(),
            power_on: self.power_on.clone(),
            disk,
            provisioning: None,
            drives: self.drives.clone(),
            templates: Arc::default(),
            memo: Memo::default(),
            store: None,
            running: None,
            listener: self.listener.clone(),
            machines: self.machines.clone(),
        }
    }

    pub fn is_accelerated(&self) -> bool {
        self.power_on.hardware().accelerator == Accelerator::Kvm
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The steps that made its disk, and its machines before them. `None` for an image as it is built.
    pub fn provisioning(&self) -> Option<&Provisioning> {
        self.provisioning.as_ref()
    }

    pub(super) async fn make_template(
        &self,
        drives: Drives,
        transcript: &Transcript,
    ) -> Result<Template, MachineError> {
        if let Some(running) = &self.running {
            return Box::pin(running.template(drives, transcript)).await;
        }
        let what = match drives {
            Drives::Plugged => format!("boot {}", self.name),
            Drives::Absent => format!("boot {} without its drives", self.name),
        };
        self.freeze_booted(what, drives, transcript, async |own| self.power_on.boot_for_template(own).await)
            .await
    }

    /// Freezes a machine when it has nothing left to start.
    async fn freeze_booted(
        &self,
        what: String,
        drives: Drives,
        transcript: &Transcript,
        power_on: impl AsyncFnOnce(Own) -> Result<Vm, MachineError>,
    ) -> Result<Template, MachineError> {
        timed(&*self.listener, what, async {
            let vm = power_on(self.own(drives, Clock::Real, transcript)?).await?;
            booted(&vm).await?;
            Template::freeze(vm, self.drives(drives)).await
        })
        .await
    }

    /// What the next machine has of its own: an empty layer over the provisioned disk, and its drives.
    fn own(&self, drives: Drives, clock: Clock, transcript: &Transcript) -> Result<Own, MachineError> {
        let name = self.next_name();
        let disk = self.disk.fresh_layer().map_err(|error| not_started(&name, &error))?;
        Ok(Own { name, transcript: transcript.clone(), disk, drives: self.drives(drives), clock, time: None })
    }

    pub(super) fn drives(&self, drives: Drives) -> Vec<Drive> {
        let plugged = |drive: &Drive| drive.plugged && drives == Drives::Plugged;
        self.drives.iter().map(|drive| Drive { plugged: plugged(drive), ..drive.clone() }).collect()
    }
}

/// How long a machine may go on starting things once it answers, in seconds of the guest: longer than systemd waits for
/// a unit that does not start.
const STARTING_LIMIT: u64 = 100;

/// Waits until a machine that was powered on has nothing left to start.
pub async fn booted(machine: &dyn Machine) -> Result<(), MachineError> {
    machine.answers(BOOT_LIMIT).await?;
    let limit = patient(Duration::from_secs(STARTING_LIMIT)).as_secs();
    let wait = format!("timeout {limit} systemctl is-system-running --wait");
    // Whether it booted well, and to the end, is for checks to say, so the answer does not matter here. But where its
    // seconds are the host's, a machine that has not come to an end may be on a slow host and nothing else.
    let answer = machine.run_within(&wait, 2 * BOOT_LIMIT).await?;
    let counts = machine.vm().is_none_or(Vm::counts_instructions);
    if answer.status == Status::Exit(TIMED_OUT) && !counts {
        let reason = format!("it was still starting things after {limit} s: a slow host needs `--patience`");
        return Err(MachineError::NotBooted { target: machine.name().into(), reason });
    }
    Ok(())
}

/// What timeout(1) ends with when it has ended the command.
const TIMED_OUT: i32 = 124;

/// Tells the listener how long something took that went well.
pub async fn timed<T, E>(
    listener: &dyn Listener,
    what: String,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    listener.hear(&Event::Preparing { what: what.clone() });
    let began = Instant::now();
    let result = work.await?;
    listener.hear(&Event::Prepared { what, took: began.elapsed() });
    Ok(result)
}

fn not_started(name: &str, error: &std::io::Error) -> MachineError {
    MachineError::NotStarted { machine: name.to_owned(), reason: error.to_string() }
}
