//! How a machine comes from being off to starting its system.
//!
//! With a kernel of assay's nobody waits for it: the template is frozen in the initramfs, before a disk is touched. It
//! goes on with any disk, and from there everything is a real boot. A machine that boots from its own disk is powered on
//! with its firmware, every time.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use record::{MachineError, Phase, Transcript};

use super::frozen::{Frozen, Own};
use super::{FORK_LIMIT, identity, not_started};
use crate::qemu::clock::Clock;
use crate::qemu::contact::Contact;
use crate::qemu::disk::Disk;
use crate::qemu::hardware::Hardware;
use crate::qemu::kernel::Kernel;
use crate::qemu::ramfile;
use crate::qemu::smbios::Smbios;
use crate::qemu::vm::{Drive, Plan, Start, Vm};

/// How long a kernel may take to load its initramfs. In a host that is emulated itself it takes minutes.
const KERNEL_LIMIT: Duration = Duration::from_secs(600);

/// How long a machine may take from its firmware until it is answered.
const CONTACT_LIMIT: Duration = Duration::from_secs(600);

/// What a machine is powered on with.
#[derive(Clone)]
pub enum PowerOn {
    /// Frozen between power-on and its first look at a disk, with the kernel that it has.
    Prepared(Frozen, Arc<Kernel>),
    /// Its firmware, and what boots on its disk.
    Firmware(Hardware, Contact),
}

impl PowerOn {
    pub fn hardware(&self) -> &Hardware {
        match self {
            PowerOn::Prepared(frozen, _) => &frozen.hardware,
            PowerOn::Firmware(hardware, _) => hardware,
        }
    }

    /// Starts a kernel and freezes it in its initramfs.
    pub async fn prepare(hardware: Hardware, kernel: &Kernel) -> Result<Frozen, MachineError> {
        let name = "power-on";
        let failed = |error: io::Error| not_started(name, &error);
        // The disk is never looked at.
        let disk = Disk::image(ramfile::empty(1 << 20).map_err(failed)?).map_err(failed)?;
        let layer = disk.fresh_layer().map_err(failed)?;
        let (name, transcript) = (name.to_owned(), Transcript::default());
        let own = Own { name, transcript, disk: layer, drives: Vec::new(), clock: Clock::Real, time: None };
        let start = kernel_start(&hardware, kernel).map_err(failed)?;
        let plan = cold(own, Smbios::default(), hardware, start).map_err(failed)?;
        let vm = Vm::launch(Plan { memory_is_shared: true, ..plan }).await?;
        vm.resume().await?;
        vm.waits_for_disk(KERNEL_LIMIT).await?;
        Frozen::freeze(vm).await
    }

    /// Powers a machine on with nothing prepared: its kernel starts too. The rest boots while this returns.
    pub async fn boot_cold(&self, own: Own) -> Result<Vm, MachineError> {
        self.start_cold(own, Smbios::default(), false).await
    }

    /// The same with a machine that will become a template, and whose firmware finds these strings.
    pub async fn boot_cold_for_template(&self, own: Own, smbios: Smbios) -> Result<Vm, MachineError> {
        self.start_cold(own, smbios, true).await
    }

    /// Powers a machine on. It boots while this returns.
    pub async fn boot(&self, own: Own) -> Result<Vm, MachineError> {
        match self {
            PowerOn::Firmware(..) if own.clock == Clock::Lapse => self.boot_until_held(own).await,
            PowerOn::Firmware(..) => self.boot_cold(own).await,
            PowerOn::Prepared(frozen, _) => {
                let (drives, time) = (own.drives.clone(), own.time);
                own.transcript.began(&own.name, record::Start::PowerOn);
                start(frozen.thaw(without_plugged(own)).await?, &drives, time).await
            }
        }
    }

    /// Powers a machine on that will become a template.
    pub async fn boot_for_template(&self, own: Own) -> Result<Vm, MachineError> {
        match self {
            PowerOn::Firmware(..) => self.boot_cold_for_template(own, Smbios::default()).await,
            PowerOn::Prepared(frozen, _) => {
                let (drives, time) = (own.drives.clone(), own.time);
                own.transcript.began(&own.name, record::Start::PowerOn);
                start(frozen.thaw_for_template(without_plugged(own)).await?, &drives, time).await
            }
        }
    }

    async fn start_cold(&self, own: Own, smbios: Smbios, memory_is_shared: bool) -> Result<Vm, MachineError> {
        let (name, transcript) = (own.name.clone(), own.transcript.clone());
        let (clock, time) = (own.clock, own.time);
        transcript.began(&name, record::Start::Cold);
        let plan = || {
            let (start, contact) = match self {
                PowerOn::Prepared(frozen, kernel) => (kernel_start(&frozen.hardware, kernel)?, None),
                PowerOn::Firmware(_, contact) => (Start::Disk, Some(contact.clone())),
            };
            let plan = cold(own, smbios, self.hardware().clone(), start)?;
            Ok(Plan { memory_is_shared, contact, ..plan })
        };
        let vm = Vm::launch(plan().map_err(|error| not_started(&name, &error))?).await?;
        vm.resume().await?;
        if let PowerOn::Prepared(..) = self {
            // What it is told is the present time, so not before it listens.
            let starting = Instant::now();
            vm.waits_for_disk(KERNEL_LIMIT).await?;
            transcript.phase(&name, Phase::since(starting, "its kernel starts"));
            vm.boot_from_disk(&identity::order_to_boot(clock, time)?).await?;
        }
        Ok(vm)
    }

    /// Powers a machine on whose idle clock is to jump. While its firmware waits for a disk nothing could hold the clock, so
    /// it follows real time until the resident is there.
    async fn boot_until_held(&self, own: Own) -> Result<Vm, MachineError> {
        let (name, transcript) = (own.name, own.transcript);
        let booting =
            Own { name: format!("{name}-boot"), clock: Clock::Real, transcript: transcript.clone(), ..own };
        let drives = booting.drives.clone();
        let vm = self.start_cold(booting, Smbios::default(), true).await?;
        vm.answers(CONTACT_LIMIT).await?;
        // Asleep it would be further on by the time it gets its first order.
        vm.ask("awake", FORK_LIMIT).await?;
        let disk = vm.disk.fresh_layer().map_err(|error| not_started(&name, &error))?;
        let frozen = Frozen::freeze(vm).await?;
        transcript.began(&name, record::Start::PowerOn);
        let vm = frozen.thaw(Own { name, transcript, disk, drives, clock: Clock::Lapse, time: None }).await?;
        vm.order("hold").await?;
        vm.resume_with_orders().await?;
        vm.answer("hold", FORK_LIMIT).await?;
        Ok(vm)
    }
}

fn kernel_start(hardware: &Hardware, kernel: &Kernel) -> io::Result<Start> {
    Ok(Start::Cold {
        kernel: kernel.file.try_clone()?,
        initramfs: kernel.initramfs.try_clone()?,
        command_line: command_line(hardware, &kernel.arguments),
    })
}

/// A machine that begins with its firmware, in empty memory of its own.
fn cold(own: Own, smbios: Smbios, hardware: Hardware, start: Start) -> io::Result<Plan> {
    let Own { name, transcript, disk, drives, clock, time } = own;
    Ok(Plan {
        name,
        transcript,
        start,
        smbios,
        contact: None,
        memory: Arc::new(ramfile::empty(u64::from(hardware.memory_mib) << 20)?),
        memory_is_shared: false,
        hardware,
        clock,
        time,
        disk,
        drives,
    })
}

/// Plugs the drives that are to be there, then lets the initramfs look for disks.
async fn start(vm: Vm, drives: &[Drive], time: Option<Duration>) -> Result<Vm, MachineError> {
    for drive in drives.iter().filter(|drive| drive.plugged) {
        vm.plug(&drive.name).await?;
    }
    vm.boot_from_disk(&identity::order_to_boot(vm.clock(), time)?).await?;
    vm.resume_with_orders().await?;
    Ok(vm)
}

/// The frozen state knows no drives, so they are plugged in before it goes on.
fn without_plugged(own: Own) -> Own {
    let drives = own.drives.into_iter().map(|drive| Drive { plugged: false, ..drive }).collect();
    Own { drives, ..own }
}

/// The kernel's command line, with what the image wants on it.
fn command_line(hardware: &Hardware, arguments: &[String]) -> String {
    let console = hardware.serial_console();
    format!("console={console} root=/dev/vda rw {QUIET} {}", arguments.join(" "))
}

/// Every character on a serial port is a trap out of the emulated processor. Panics are printed at any level.
const QUIET: &str = "loglevel=4 systemd.show_status=false";
