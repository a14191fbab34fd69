//! Machines of a disk that boots by itself.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use image::cache::{Cache, Digest};
use image::{Image, Recipe};
use machine::qemu::{Contact, Disk, Firmware, Hardware, PowerOn, credential, ramfile};
use record::Accelerator;
use record::event::{Event, Listener};

use super::build::{BuildError, build};
use super::memo::Memo;
use super::prepare::{Choice, PrepareError, Telling, failed, kernel, open};
use super::store::{Store, emulator};
use super::target::{DiskImage, Home, Target};
use super::{Stage, probe, timed};

/// What a stage is called that no file names.
const STAGE: &str = "image";

/// Why a disk that boots by itself cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DiskImageError {
    #[error("cannot open the disk {}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("{}: {reason}", .file.display())]
    NoDisk { file: PathBuf, reason: String },
    #[error("[machine.image]: {0}")]
    Build(#[from] BuildError),
}

/// The stage of such a disk, with its name.
pub(super) async fn stage(
    target: &Target,
    own: &DiskImage,
    accelerator: Option<Accelerator>,
    cache: &Cache,
    listener: &Arc<dyn Listener>,
) -> Result<(String, Arc<Stage>), PrepareError> {
    let mut hardware = Hardware {
        architecture: own.architecture,
        accelerator: Accelerator::Tcg,
        firmware: own.firmware,
        memory_mib: own.memory,
        cpus: u32::from(own.cpus),
        virtualization: false,
    };
    emulator(&hardware)?;
    hardware.firmware.open(hardware.architecture).map_err(|source| failed("use the firmware", source))?;
    let home = Home::find().map_err(PrepareError::Home)?;
    let recipe = Recipe::load(&home.recipe(&format!("debian-{}", own.architecture)))?;

    let path = path(target, own, &**listener).await?;
    let (disk, contents) = opened(path).map_err(PrepareError::DiskImage)?;

    let telling = Telling::new(&**listener, "what answers for it");
    let instruments = Image::ensure(&recipe, cache, &|progress| telling.tell(progress)).await?;
    hardware.accelerator = match Choice::of(accelerator, probe::could_try(own.architecture)) {
        Choice::Made(accelerator) => accelerator,
        Choice::Open => {
            // A kernel of assay's tells: whether the disk boots is another question.
            let tried = Hardware { firmware: Firmware::Board, ..hardware.clone() };
            let kernel = kernel(&instruments)?;
            let (accelerator, why) =
                probe::accelerator(cache, &tried, &kernel, &instruments, &**listener).await?;
            if let Some(why) = why {
                let text = format!("guests are emulated: under KVM, {why}");
                listener.hear(&Event::Noted { text });
            }
            accelerator
        }
    };
    let contact = Contact::by(open(&instruments.root())?);
    let parts = [contents.to_hex().to_string(), instruments.contents().to_string(), credential()];
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let store = Store::new(cache, listener, &parts, None, &hardware)?.with(contact.clone());
    let stage = Stage {
        name: target.name.clone(),
        power_on: PowerOn::Firmware(hardware, contact),
        disk,
        provisioning: None,
        drives: Vec::new(),
        templates: Arc::default(),
        memo: Memo::default(),
        store: Some(Arc::new(store)),
        running: None,
        listener: listener.clone(),
        machines: Arc::new(AtomicU32::new(0)),
    };
    let name = target.stages.keys().next().cloned().unwrap_or_else(|| STAGE.to_owned());
    Ok((name, Arc::new(stage)))
}

/// Where it is, once it is made.
async fn path(target: &Target, own: &DiskImage, listener: &dyn Listener) -> Result<PathBuf, PrepareError> {
    let command = match (&own.file, &own.build) {
        (Some(file), _) => return Ok(file.clone()),
        (None, command) => command.as_deref().unwrap_or_default(),
    };
    let directory = Path::new(".").join(target.document().directory());
    let building = async {
        let built = build(command, &directory).await.map_err(DiskImageError::Build);
        built.map_err(PrepareError::DiskImage)
    };
    timed(listener, format!("run `{command}`"), building).await.map(|path| disk_in(&path))
}

/// A disk's file, and what names all that is in it.
fn opened(path: PathBuf) -> Result<(Disk, Digest), DiskImageError> {
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) => return Err(DiskImageError::Unreadable { file: path, source }),
    };
    let no_disk =
        |reason: &dyn ToString| DiskImageError::NoDisk { file: path.clone(), reason: reason.to_string() };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(no_disk(&"it is no file: name the image of a disk"));
    }
    let contents = contents(&file).map_err(|error| no_disk(&error))?;
    let disk = Disk::existing(file).map_err(|error| no_disk(&error))?;
    Ok((disk, contents))
}

/// The disk at a path, or the only file in the directory that it is, as Nix makes one of an image.
fn disk_in(path: &Path) -> PathBuf {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    match (files.next(), files.next()) {
        (Some(only), None) => only,
        _ => path.to_owned(),
    }
}

/// Names what a file holds.
fn contents(file: &File) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&file.metadata()?.size().to_le_bytes());
    ramfile::data(file, |at, bytes| {
        hasher.update(&at.to_le_bytes());
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.finalize())
}
