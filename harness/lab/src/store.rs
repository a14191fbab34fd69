//! Frozen machines and provisioned disks in the cache, for the next run.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use image::cache::{Cache, CacheEvent, Digest, Entry};
use machine::qemu::{self, Contact, Disk, Frozen, Hardware, Kernel, PowerOn, Smbios, Template, ramfile};
use record::event::{Event, Listener};
use record::{Accelerator, MachineError, Transcript};

use super::prepare::{PrepareError, failed, provision};
use super::{Drives, Stage, timed};
use crate::provision::Plan;

/// Changes when what is kept is made or laid out differently.
const FORMAT: &str = "1";

/// What is kept of a target beside its image, each made from the one before.
pub const KINDS: [&str; 4] = [ACCELERATORS, POWER_ON, PROVISIONED, TEMPLATES];
pub const ACCELERATORS: &str = "accelerators";
const POWER_ON: &str = "power-on";
const PROVISIONED: &str = "provisioned";
const TEMPLATES: &str = "templates";

const MEMORY: &str = "memory";
const STATE: &str = "state";
const DISK: &str = "disk.qcow2";

/// One target's part of the cache.
pub struct Store {
    cache: Cache,
    listener: Arc<dyn Listener>,
    hardware: Hardware,
    /// Names the machine: its hardware, its emulator and its image, which the caller says in words.
    machine: Digest,
    /// Names the machine and how it is provisioned, whatever executes it: steps leave the same on its disk.
    provisioned: Digest,
    /// Names the bytes of the provisioned disk.
    disk: OnceLock<Digest>,
    /// How its machines are spoken to, if they boot from their own disk.
    contact: Option<Contact>,
    /// What is used must not be removed meanwhile.
    used: Mutex<Vec<Arc<Entry>>>,
}

impl Store {
    pub fn new(
        cache: &Cache,
        listener: &Arc<dyn Listener>,
        image: &[&str],
        plan: Option<&Plan>,
        hardware: &Hardware,
    ) -> Result<Store, PrepareError> {
        let emulator = emulator(hardware)?;
        let named = |hardware: &Hardware| {
            let (definition, hardware) = (qemu::definition(hardware), format!("{hardware:?}"));
            digest(&[&[FORMAT, &emulator, &definition, &hardware], image].concat())
        };
        let emulated = named(&Hardware { accelerator: Accelerator::Tcg, ..hardware.clone() });
        let plan_digest = plan.map(|plan| plan.digest().to_string()).unwrap_or_default();
        let provisioned = digest(&[emulated.to_hex().as_str(), &plan_digest]);
        Ok(Store {
            cache: cache.clone(),
            listener: listener.clone(),
            hardware: hardware.clone(),
            machine: named(hardware),
            provisioned,
            disk: OnceLock::new(),
            contact: None,
            used: Mutex::default(),
        })
    }

    /// The same of a machine that boots from its own disk.
    pub fn with(self, contact: Contact) -> Store {
        Store { contact: Some(contact), ..self }
    }

    /// The machine at power-on.
    pub async fn power_on(
        &self,
        target: &str,
        hardware: Hardware,
        kernel: Arc<Kernel>,
    ) -> Result<PowerOn, PrepareError> {
        let make = async |directory: &Path| {
            let start = PowerOn::prepare(hardware, &kernel);
            let frozen = timed(&*self.listener, format!("start the kernel of {target}"), start).await?;
            save_frozen(&frozen, directory)
        };
        let entry = self.kept(POWER_ON, self.machine, make).await?;
        Ok(PowerOn::Prepared(self.frozen(&entry)?, kernel.clone()))
    }

    /// The disk after all steps.
    pub async fn provisioned(&self, target: &str, image: &Stage, plan: &Plan) -> Result<Disk, PrepareError> {
        let make = async |directory: &Path| {
            let disk = provision(target, image, plan).await?;
            save(disk.top(), &directory.join(DISK))
        };
        let entry = self.kept(PROVISIONED, self.provisioned, make).await?;
        let _ = self.disk.set(entry.contents());
        Ok(image.disk.under(load(&entry.path(DISK))?))
    }

    /// The provisioned machine, booted with these drives.
    pub async fn template(
        &self,
        stage: &Stage,
        drives: Drives,
        transcript: &Transcript,
    ) -> Result<Template, MachineError> {
        let disk = self.disk.get().map(Digest::to_string).unwrap_or_default();
        let plugged = stage.drives(drives).into_iter().filter(|drive| drive.plugged);
        let plugged = plugged.map(|drive| drive.name).collect::<Vec<_>>().join(" ");
        let machine = self.machine.to_hex();
        let name = digest(&[machine.as_str(), &disk, &format!("{drives:?}"), &plugged]);
        let make = async |directory: &Path| {
            let template = stage.make_template(drives, transcript).await?;
            save_frozen(template.frozen(), directory)?;
            save(template.disk().top(), &directory.join(DISK))
        };
        let kept = async {
            let entry = self.kept(TEMPLATES, name, make).await?;
            let disk = stage.disk.under(load(&entry.path(DISK))?);
            Ok::<_, PrepareError>(Template::new(self.frozen(&entry)?, disk, stage.drives(drives)))
        };
        kept.await.map_err(|error| match error {
            PrepareError::Machine(error) => error,
            error => MachineError::NotStarted { machine: stage.name.clone(), reason: error.to_string() },
        })
    }

    async fn kept(
        &self,
        kind: &str,
        name: Digest,
        make: impl AsyncFnOnce(&Path) -> Result<(), PrepareError>,
    ) -> Result<Arc<Entry>, PrepareError> {
        let events = |event| {
            let text = match event {
                CacheEvent::Waiting => format!("another process prepares the same ({kind}): waiting for it"),
                CacheEvent::Corrupted { file, reason } => {
                    format!("{} is damaged ({reason}): it is made again", file.display())
                }
                CacheEvent::Making => return,
            };
            self.listener.hear(&Event::Noted { text });
        };
        let entry = Arc::new(self.cache.get_or_make(kind, name, &events, make).await?);
        self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(entry.clone());
        Ok(entry)
    }

    fn frozen(&self, entry: &Entry) -> Result<Frozen, PrepareError> {
        Ok(Frozen {
            hardware: self.hardware.clone(),
            // What has strings of its own is never kept: they may hold secrets.
            smbios: Smbios::default(),
            contact: self.contact.clone(),
            memory: Arc::new(load(&entry.path(MEMORY))?),
            state: Arc::new(load(&entry.path(STATE))?),
        })
    }
}

/// The version of the emulator. It must be there, with the tool that makes its disks.
pub(super) fn emulator(hardware: &Hardware) -> Result<String, PrepareError> {
    version(qemu::DISK_TOOL)?;
    version(hardware.emulator())
}

fn version(program: &'static str) -> Result<String, PrepareError> {
    qemu::version(program).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => PrepareError::NotInstalled(program),
        _ => failed(&format!("ask {program} for its version"), error),
    })
}

fn save_frozen(frozen: &Frozen, directory: &Path) -> Result<(), PrepareError> {
    save(&frozen.memory, &directory.join(MEMORY))?;
    save(&frozen.state, &directory.join(STATE))
}

fn save(from: &File, path: &Path) -> Result<(), PrepareError> {
    let write = || {
        let to = File::create_new(path)?;
        to.set_len(from.metadata()?.len())?;
        ramfile::copy_data(from, &to)
    };
    write().map_err(|source| failed(&format!("write {}", path.display()), source))
}

fn load(path: &Path) -> Result<File, PrepareError> {
    File::open(path).map_err(|source| failed(&format!("open {}", path.display()), source))
}

pub(super) fn digest(parts: &[&str]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // With its length first, no part can run over into the next.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize()
}
