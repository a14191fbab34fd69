//! Powering a machine on without waiting for the kernel: the template that is frozen in the initramfs,
//! before a disk is touched. It goes on with any disk, and from there everything is a real boot.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use record::{MachineError, Phase, Transcript};

use super::frozen::{Frozen, Own};
use super::{identity, not_started};
use crate::qemu::clock::Clock;
use crate::qemu::disk::Disk;
use crate::qemu::hardware::Hardware;
use crate::qemu::kernel::Kernel;
use crate::qemu::ramfile;
use crate::qemu::smbios::Smbios;
use crate::qemu::vm::{Drive, Plan, Start, Vm};

/// How long a kernel may take to load its initramfs.
const KERNEL_LIMIT: Duration = Duration::from_secs(240);

/// A machine frozen between power-on and its first look at a disk.
#[derive(Clone)]
pub struct PowerOn(Frozen);

impl PowerOn {
    pub fn new(frozen: Frozen) -> PowerOn {
        PowerOn(frozen)
    }

    pub fn frozen(&self) -> &Frozen {
        &self.0
    }

    /// Starts a kernel and freezes it in its initramfs.
    pub async fn prepare(hardware: Hardware, kernel: &Kernel) -> Result<PowerOn, MachineError> {
        let name = "power-on";
        let failed = |error: io::Error| not_started(name, &error);
        // The disk is never looked at.
        let disk = Disk::image(ramfile::empty(1 << 20).map_err(failed)?).map_err(failed)?;
        let layer = disk.fresh_layer().map_err(failed)?;
        let (name, transcript) = (name.to_owned(), Transcript::default());
        let own = Own { name, transcript, disk: layer, drives: Vec::new(), clock: Clock::Real, time: None };
        let plan = cold(own, Smbios::default(), hardware, kernel).map_err(failed)?;
        let vm = Vm::launch(Plan { memory_is_shared: true, ..plan }).await?;
        vm.resume().await?;
        vm.waits_for_disk(KERNEL_LIMIT).await?;
        Ok(PowerOn(Frozen::freeze(vm).await?))
    }

    /// Powers a machine on with nothing prepared: its kernel starts too. The rest boots while this returns.
    pub async fn boot_cold(&self, own: Own, kernel: &Kernel) -> Result<Vm, MachineError> {
        self.start_cold(own, Smbios::default(), kernel, false).await
    }

    /// The same with a machine that will become a template, and whose firmware finds these strings.
    pub async fn boot_cold_for_template(
        &self,
        own: Own,
        smbios: Smbios,
        kernel: &Kernel,
    ) -> Result<Vm, MachineError> {
        self.start_cold(own, smbios, kernel, true).await
    }

    async fn start_cold(
        &self,
        own: Own,
        smbios: Smbios,
        kernel: &Kernel,
        memory_is_shared: bool,
    ) -> Result<Vm, MachineError> {
        let (name, transcript) = (own.name.clone(), own.transcript.clone());
        transcript.began(&name, record::Start::Cold);
        let (clock, time) = (own.clock, own.time);
        let plan = cold(own, smbios, self.0.hardware.clone(), kernel);
        let plan = plan.map_err(|error| not_started(&name, &error))?;
        let vm = Vm::launch(Plan { memory_is_shared, ..plan }).await?;
        vm.resume().await?;
        // What it is told is the present time, so not before it listens.
        let starting = Instant::now();
        vm.waits_for_disk(KERNEL_LIMIT).await?;
        transcript.phase(&name, Phase::since(starting, "its kernel starts"));
        vm.boot_from_disk(&identity::order_to_boot(clock, time)?).await?;
        Ok(vm)
    }

    /// Powers a machine on. It boots while this returns.
    pub async fn boot(&self, own: Own) -> Result<Vm, MachineError> {
        let (drives, time) = (own.drives.clone(), own.time);
        own.transcript.began(&own.name, record::Start::PowerOn);
        start(self.0.thaw(without_plugged(own)).await?, &drives, time).await
    }

    /// Powers a machine on that will become a template.
    pub async fn boot_for_template(&self, own: Own) -> Result<Vm, MachineError> {
        let (drives, time) = (own.drives.clone(), own.time);
        own.transcript.began(&own.name, record::Start::PowerOn);
        start(self.0.thaw_for_template(without_plugged(own)).await?, &drives, time).await
    }
}

/// A machine that begins with its firmware and kernel, in empty memory of its own.
fn cold(own: Own, smbios: Smbios, hardware: Hardware, kernel: &Kernel) -> io::Result<Plan> {
    let Own { name, transcript, disk, drives, clock, time } = own;
    Ok(Plan {
        name,
        transcript,
        start: Start::Cold {
            kernel: kernel.file.try_clone()?,
            initramfs: kernel.initramfs.try_clone()?,
            command_line: command_line(&hardware, &kernel.arguments),
        },
        smbios,
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
