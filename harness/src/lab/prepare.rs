//! From a target file to a lab: build the image, power on, provision.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use tokio::sync::OnceCell;

use super::probe;
use super::store::{Store, emulator};
use super::{Drives, Lab, booted, timed};
use crate::cache::{Cache, CacheError};
use crate::event::{Event, Listener};
use crate::image::{Image, ImageError, ImageProgress, Recipe, RecipeError};
use crate::machine::qemu::{Accelerator, Disk, Drive, Hardware, Kernel};
use crate::provision::{Plan, PlanError, ProvisionError};
use crate::{Machine, MachineError, Target, Transcript};

/// Why a target could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the target has a drive {0:?}, which its image does not have")]
    NoSuchDrive(String),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Provision(Box<ProvisionError>),
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error("{0} is not installed: `assay doctor` tells how to install it")]
    NotInstalled(&'static str),
    #[error("{action}: {source}")]
    Io { action: String, source: io::Error },
}

impl PrepareError {
    /// The user's files are at fault, not the host.
    pub fn is_bad_file(&self) -> bool {
        matches!(self, PrepareError::Recipe(_) | PrepareError::Plan(_) | PrepareError::NoSuchDrive(_))
    }
}

/// Builds, boots and provisions what the cache does not have yet.
pub async fn prepare(
    target: &Target,
    cache: &Cache,
    accelerator: Option<Accelerator>,
    listener: &Arc<dyn Listener>,
) -> Result<Lab, PrepareError> {
    let recipe = Recipe::load(&target.recipe)?;
    let plan = target.steps.as_deref().map(Plan::load).transpose()?;
    let mut hardware = Hardware {
        architecture: target.architecture,
        accelerator: Accelerator::Tcg,
        memory_mib: target.memory,
        cpus: u32::from(target.cpus),
    };
    // To be told after minutes of building that they were for nothing is no help.
    emulator(&hardware)?;
    let progress = |progress| tell(&**listener, &target.name, progress);
    let image = Image::ensure(&recipe, cache, &progress).await?;

    let kernel = kernel(&image)?;
    hardware.accelerator = match accelerator {
        Some(accelerator) => accelerator,
        None => probe::accelerator(cache, &hardware, &kernel, &image, &**listener).await?,
    };
    let store = Store::new(cache, listener, &image, plan.as_ref(), &hardware)?;
    let power_on = store.power_on(&target.name, hardware, &kernel).await?;
    let root = open(&image.root())?;
    let mut lab = Lab {
        target: target.name.clone(),
        kernel: Arc::new(kernel),
        power_on,
        disk: Disk::image(root).map_err(|source| failed("read the image", source))?,
        drives: drives(target, &image)?,
        plugged: OnceCell::new(),
        absent: OnceCell::new(),
        store: None,
        listener: listener.clone(),
        machines: Arc::new(AtomicU32::new(0)),
    };
    if let Some(plan) = &plan {
        lab.disk = store.provisioned(&lab, plan).await?;
    }
    lab.store = Some(store);
    Ok(lab)
}

fn kernel(image: &Image) -> Result<Kernel, PrepareError> {
    let (file, initramfs) = (open(&image.kernel())?, open(&image.initramfs())?);
    Ok(Kernel { file, initramfs, arguments: image.arguments().to_vec() })
}

fn drives(target: &Target, image: &Image) -> Result<Vec<Drive>, PrepareError> {
    let drive = |name: &String| {
        let path = image.drive(name).ok_or_else(|| PrepareError::NoSuchDrive(name.clone()))?;
        Ok(Drive { name: name.clone(), image: Arc::new(open(&path)?), plugged: true })
    };
    target.drives.keys().map(drive).collect()
}

/// Boots the image with its drives, runs the steps, shuts down: what is left is the provisioned disk.
pub(super) async fn provision(lab: &Lab, plan: &Plan) -> Result<Disk, PrepareError> {
    let what = format!("provision {}", lab.target);
    let vm = timed(&*lab.listener, format!("boot the image of {}", lab.target), async {
        let vm = lab.power_on(Drives::Plugged, &Transcript::default()).await?;
        booted(&vm).await.map(|()| vm)
    })
    .await?;
    timed(&*lab.listener, what, async {
        let provisioned = plan.provision(&vm, &*lab.listener).await;
        provisioned.map_err(|error| PrepareError::Provision(Box::new(error)))?;
        vm.succeed("sync").await?;
        vm.shut_down().await?;
        Ok(vm.disk().clone())
    })
    .await
}

/// Tells a listener how an image comes along.
pub fn tell(listener: &dyn Listener, target: &str, progress: ImageProgress) {
    let note = |text: String| listener.hear(&Event::Noted { text });
    match progress {
        ImageProgress::Waiting => {
            note(format!("another process builds the image of {target}: waiting for it"))
        }
        ImageProgress::Corrupted { file, reason } => {
            note(format!("{} is damaged ({reason}): the image is built again", file.display()));
        }
        ImageProgress::Stage { stage, done: 0, .. } => {
            listener.hear(&Event::Preparing { what: format!("build the image of {target}: {stage}") });
        }
        ImageProgress::Stage { .. } | ImageProgress::Ready { .. } => {}
    }
}

fn open(path: &Path) -> Result<File, PrepareError> {
    File::open(path).map_err(|source| failed(&format!("open {}", path.display()), source))
}

pub(super) fn failed(action: &str, source: io::Error) -> PrepareError {
    PrepareError::Io { action: format!("cannot {action}"), source }
}
