//! Where the machines of one target come from: a provisioned disk, and templates made from it.

mod change;
mod prepare;
mod probe;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

pub use change::Changes;
pub use prepare::{PrepareError, prepare, tell};
pub use store::KINDS;
use store::Store;

use crate::event::{Event, Listener};
use crate::machine::qemu::{Disk, Drive, Kernel, Own, PowerOn, Template, Vm};
use crate::{Machine, MachineError, Transcript};

/// How long a boot may take under emulation.
pub const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// Which drives are there at power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drives {
    /// All that the target has.
    Plugged,
    /// None: they may be plugged in later.
    Absent,
}

/// The machines of one target: as provisioned, or with changes.
pub struct Lab {
    target: String,
    kernel: Arc<Kernel>,
    power_on: PowerOn,
    /// The disk of a machine that is off.
    disk: Disk,
    drives: Vec<Drive>,
    plugged: OnceCell<Booted>,
    absent: OnceCell<Booted>,
    /// Where templates are kept for the next run; those of a changed target are not.
    store: Option<Store>,
    listener: Arc<dyn Listener>,
    machines: Arc<AtomicU32>,
}

/// A template, or why there is none.
type Booted = Result<Template, Unbootable>;

struct Unbootable {
    reason: String,
    /// With the console of the machine that did not boot.
    seen: Transcript,
}

impl Lab {
    /// A fork of the machine that was powered on with these drives and has finished booting.
    pub async fn fork(&self, drives: Drives, transcript: &Transcript) -> Result<Vm, MachineError> {
        let template = self.template_seen(drives, transcript).await?;
        template.fork(&self.next_name(), transcript).await
    }

    /// Powers a machine on, with the disk as provisioned. It boots while this returns.
    pub async fn power_on(&self, drives: Drives, transcript: &Transcript) -> Result<Vm, MachineError> {
        let name = self.next_name();
        let layer = self.disk.fresh_layer().map_err(|error| not_started(&name, &error))?;
        let (transcript, drives) = (transcript.clone(), self.drives(drives));
        self.power_on.boot(Own { name, transcript, disk: layer, drives }).await
    }

    /// Powers a machine on with nothing prepared, to compare with. It boots while this returns.
    pub async fn power_on_cold(&self, drives: Drives, transcript: &Transcript) -> Result<Vm, MachineError> {
        let name = self.next_name();
        let layer = self.disk.fresh_layer().map_err(|error| not_started(&name, &error))?;
        self.power_on.boot_cold(&name, transcript, &self.kernel, layer, self.drives(drives)).await
    }

    /// Powers a machine on again, with the disk that another has left.
    pub async fn power_on_again(
        &self,
        machine: &Vm,
        drives: Drives,
        transcript: &Transcript,
    ) -> Result<Vm, MachineError> {
        let disk = machine.disk().clone();
        let (name, transcript, drives) = (self.next_name(), transcript.clone(), self.drives(drives));
        self.power_on.boot(Own { name, transcript, disk, drives }).await
    }

    /// The same target with something changed on its disk.
    pub async fn changed(&self, changes: &Changes<'_>) -> Result<Lab, MachineError> {
        let vm = self.fork(Drives::Plugged, &Transcript::default()).await?;
        changes.apply(&vm).await?;
        vm.succeed("sync").await?;
        vm.quit().await;
        Ok(Lab {
            target: self.target.clone(),
            kernel: self.kernel.clone(),
            power_on: self.power_on.clone(),
            disk: vm.disk().clone(),
            drives: self.drives.clone(),
            plugged: OnceCell::new(),
            absent: OnceCell::new(),
            store: None,
            listener: self.listener.clone(),
            machines: self.machines.clone(),
        })
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
            Drives::Plugged => &self.plugged,
            Drives::Absent => &self.absent,
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
        booting.await?.as_ref().map_err(|Unbootable { reason, seen }| {
            transcript.include(seen);
            MachineError::NotBooted { target: self.target.clone(), reason: reason.clone() }
        })
    }

    pub fn target(&self) -> &str {
        &self.target
    }

    async fn make_template(&self, drives: Drives, transcript: &Transcript) -> Result<Template, MachineError> {
        let what = match drives {
            Drives::Plugged => format!("boot {}", self.target),
            Drives::Absent => format!("boot {} without its drives", self.target),
        };
        timed(&*self.listener, what, async {
            let name = self.next_name();
            let layer = self.disk.fresh_layer().map_err(|error| not_started(&name, &error))?;
            let drives = self.drives(drives);
            let own = Own { name, transcript: transcript.clone(), disk: layer, drives: drives.clone() };
            let vm = self.power_on.boot_for_template(own).await?;
            booted(&vm).await?;
            Template::freeze(vm, drives).await
        })
        .await
    }

    fn drives(&self, drives: Drives) -> Vec<Drive> {
        let plugged = drives == Drives::Plugged;
        self.drives.iter().map(|drive| Drive { plugged, ..drive.clone() }).collect()
    }

    fn next_name(&self) -> String {
        let number = self.machines.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}-{number}", self.target)
    }
}

/// Waits until a machine that was powered on has nothing left to start.
pub async fn booted(vm: &Vm) -> Result<(), MachineError> {
    vm.answers(BOOT_LIMIT).await?;
    // Whether it booted well is for checks to say, so the answer does not matter here.
    vm.run_within("systemctl is-system-running --wait", BOOT_LIMIT).await.map(drop)
}

/// Tells the listener how long something took that went well.
async fn timed<T, E>(
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
