//! From a target file to a lab: build the images, power on, provision.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use image::cache::{Cache, CacheError};
use image::{Image, ImageError, ImageProgress, Recipe, RecipeError};
use machine::Machine;
use machine::container::{Engine, EngineError};
use machine::qemu::{Clock, Disk, Drive, Hardware, Kernel};
use record::event::{Event, Listener};
use record::{Accelerator, Architecture, MachineError, Transcript};

use super::memo::Memo;
use super::probe;
use super::store::{Store, emulator};
use super::{Access, Containers, Drives, Lab, Machines, Provisioning, Remote, Stage, booted, timed};
use crate::disk_image::DiskImageError;
use crate::provision::{Plan, PlanError, ProvisionError};
use crate::target::{self, DiskImage, Target, TargetError};

/// Why a target could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the target has a drive {0:?}, which its image does not have")]
    NoSuchDrive(String),
    #[error("{stage} is of {is}, and its recipe {} makes an image for {made_for}", .recipe.display())]
    OtherArchitecture { stage: String, is: Architecture, recipe: PathBuf, made_for: Architecture },
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Provision(Box<ProvisionError>),
    #[error(transparent)]
    DiskImage(DiskImageError),
    #[error(transparent)]
    Home(TargetError),
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error("the Docker engine: {0}")]
    Engine(#[from] EngineError),
    #[error("{0} is not installed: `assay doctor` tells how to install it")]
    NotInstalled(&'static str),
    #[error("{action}: {source}")]
    Io { action: String, source: io::Error },
}

impl PrepareError {
    /// The user's files are at fault, not the host.
    pub fn is_bad_file(&self) -> bool {
        match self {
            // What the user's own command makes of the user's files may be the host's fault, too.
            PrepareError::Plan(PlanError::Closure { .. }) => false,
            PrepareError::DiskImage(DiskImageError::Build(_)) => false,
            PrepareError::Recipe(_)
            | PrepareError::Plan(_)
            | PrepareError::NoSuchDrive(_)
            | PrepareError::DiskImage(_)
            | PrepareError::OtherArchitecture { .. } => true,
            _ => false,
        }
    }
}

/// What the machines of a lab are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Virtual machines, under this accelerator or the best that works.
    Virtual(Option<Accelerator>),
    /// Those of a disk that boots by itself, likewise.
    Image(DiskImage, Option<Accelerator>),
    Container,
    /// One that is somebody's own.
    Remote(Access),
}

impl Kind {
    /// The same emulated, where it is open what they run under.
    pub fn emulated(&self) -> Option<Kind> {
        match self {
            Kind::Virtual(None) => Some(Kind::Virtual(Some(Accelerator::Tcg))),
            Kind::Image(own, None) => Some(Kind::Image(own.clone(), Some(Accelerator::Tcg))),
            _ => None,
        }
    }
}

/// Builds, boots and provisions what the cache does not have yet.
pub async fn prepare(
    target: &Target,
    cache: &Cache,
    kind: Kind,
    listener: &Arc<dyn Listener>,
) -> Result<Lab, PrepareError> {
    let machines = match kind {
        Kind::Virtual(accelerator) => Machines::Virtual(stages(target, cache, accelerator, listener).await?),
        Kind::Image(own, accelerator) => Machines::Virtual(vec![
            super::disk_image::stage(target, &own, accelerator, cache, listener).await?,
        ]),
        Kind::Container => containers(target, cache, listener).await?,
        Kind::Remote(access) => {
            let (what, opening) =
                (format!("connect to {}", access.login.host), Remote::open(access, listener));
            Machines::Remote(Arc::new(timed(&**listener, what, opening).await?))
        }
    };
    Ok(Lab {
        target: target.name.clone(),
        machines,
        settings: Arc::new(target.settings.clone()),
        kept: Arc::default(),
        cache: cache.clone(),
        listener: listener.clone(),
    })
}

/// A target that cannot be had in containers has no machines: that is no fault of anybody.
async fn containers(
    target: &Target,
    cache: &Cache,
    listener: &Arc<dyn Listener>,
) -> Result<Machines, PrepareError> {
    let mut stages = target.stages.values();
    let (Some(stage), None) = (stages.next(), stages.next()) else {
        return Ok(Machines::None("it has several kinds of machines: run it with `--machine vm`".to_owned()));
    };
    let Some(how) = &stage.container else {
        let reason = "its target file does not say how: run it with `--machine vm`";
        return Ok(Machines::None(reason.to_owned()));
    };
    if stage.architecture.name() != std::env::consts::ARCH {
        let (theirs, ours) = (stage.architecture, std::env::consts::ARCH);
        return Ok(Machines::None(format!(
            "its root is of {theirs}, and containers on this host run {ours}: run it with `--machine vm`"
        )));
    }
    match Engine::find().await {
        Ok(engine) => {
            let containers = Containers::prepare(&target.name, stage, how, engine, cache, listener).await?;
            Ok(Machines::Containers(Arc::new(containers)))
        }
        Err(none) => Ok(Machines::None(none.to_string())),
    }
}

async fn stages(
    target: &Target,
    cache: &Cache,
    accelerator: Option<Accelerator>,
    listener: &Arc<dyn Listener>,
) -> Result<Vec<(String, Arc<Stage>)>, PrepareError> {
    let mut sites = Vec::new();
    // To be told after minutes of building that they were for nothing is no help.
    for (stage, plan) in &target.stages {
        let name = match target.stages.len() {
            1 => target.name.clone(),
            _ => format!("{}-{stage}", target.name),
        };
        let accelerator = Choice::of(accelerator, probe::could_try(plan.architecture));
        let site = Site::new(name, plan, cache, accelerator, listener)?;
        sites.push((stage.clone(), site));
    }
    let mut stages = Vec::new();
    let mut emulated = None;
    for (name, site) in sites {
        stages.push((name, Arc::new(site.prepare(&mut emulated).await?)));
    }
    Ok(stages)
}

/// What accelerates a stage's machines, before any was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Made(Accelerator),
    /// KVM, if a guest runs under it.
    Open,
}

impl Choice {
    pub(super) fn of(asked: Option<Accelerator>, kvm: bool) -> Choice {
        match (asked, kvm) {
            (Some(asked), _) => Choice::Made(asked),
            (None, false) => Choice::Made(Accelerator::Tcg),
            (None, true) => Choice::Open,
        }
    }
}

/// All that a stage is made from.
struct Site<'p> {
    /// What its machines are named after.
    name: String,
    drives: &'p BTreeMap<String, target::Drive>,
    hardware: Hardware,
    accelerator: Choice,
    recipe: Recipe,
    steps: Option<Plan>,
    cache: &'p Cache,
    listener: &'p Arc<dyn Listener>,
}

impl<'p> Site<'p> {
    /// Reads all files and looks for all programs.
    fn new(
        name: String,
        stage: &'p target::Stage,
        cache: &'p Cache,
        accelerator: Choice,
        listener: &'p Arc<dyn Listener>,
    ) -> Result<Site<'p>, PrepareError> {
        let hardware = Hardware {
            architecture: stage.architecture,
            accelerator: Accelerator::Tcg,
            firmware: stage.firmware,
            memory_mib: stage.memory,
            cpus: u32::from(stage.cpus),
            virtualization: false,
        };
        let recipe = Recipe::load(&stage.recipe)?;
        let made_for = Architecture::from(recipe.architecture);
        if made_for != stage.architecture {
            return Err(PrepareError::OtherArchitecture {
                stage: name,
                is: stage.architecture,
                recipe: stage.recipe.clone(),
                made_for,
            });
        }
        let steps = stage.steps.as_deref().map(Plan::load).transpose()?;
        emulator(&hardware)?;
        let firmware = hardware.firmware.open(hardware.architecture);
        firmware.map_err(|source| failed("use the firmware", source))?;
        Ok(Site { name, drives: &stage.drives, hardware, accelerator, recipe, steps, cache, listener })
    }

    /// `emulated` is why guests are, if that was told already.
    async fn prepare(self, emulated: &mut Option<String>) -> Result<Stage, PrepareError> {
        let Site { name, drives: wanted, mut hardware, accelerator, recipe, mut steps, cache, listener } =
            self;
        if let Some(plan) = &mut steps {
            plan.build(&**listener).await?;
        }
        let telling = Telling::new(&**listener, &name);
        let built = Image::ensure(&recipe, cache, &|progress| telling.tell(progress)).await?;

        let kernel = kernel(&built)?;
        let (accelerator, why) = match accelerator {
            Choice::Made(accelerator) => (accelerator, None),
            Choice::Open => probe::accelerator(cache, &hardware, &kernel, &built, &**listener).await?,
        };
        hardware.accelerator = accelerator;
        if let Some(why) = why.filter(|why| emulated.as_ref() != Some(why)) {
            let text = format!("guests are emulated: under KVM, {why}");
            listener.hear(&Event::Noted { text });
            *emulated = Some(why);
        }
        let (contents, arguments) = (built.contents().to_string(), built.arguments().join(" "));
        let store = Store::new(cache, listener, &[&contents, &arguments], steps.as_ref(), &hardware)?;
        let power_on = store.power_on(&name, hardware, Arc::new(kernel)).await?;
        let root = open(&built.root())?;
        let image = Stage {
            name: format!("{name}-image"),
            power_on,
            disk: Disk::image(root).map_err(|source| failed("read the image", source))?,
            provisioning: None,
            drives: drives(wanted, &built)?,
            templates: Arc::default(),
            memo: Memo::default(),
            store: None,
            running: None,
            listener: listener.clone(),
            machines: Arc::new(AtomicU32::new(0)),
        };
        let disk = match &steps {
            Some(plan) => store.provisioned(&name, &image, plan).await?,
            None => image.disk.clone(),
        };
        let provisioned = image.with(disk);
        let provisioning = steps.map(|plan| Provisioning { plan, image: Arc::new(image) });
        Ok(Stage { name, provisioning, store: Some(Arc::new(store)), ..provisioned })
    }
}

pub(super) fn kernel(image: &Image) -> Result<Kernel, PrepareError> {
    let (file, initramfs) = (open(&image.kernel())?, open(&image.initramfs())?);
    Ok(Kernel { file, initramfs, arguments: image.arguments().to_vec() })
}

fn drives(wanted: &BTreeMap<String, target::Drive>, image: &Image) -> Result<Vec<Drive>, PrepareError> {
    let drive = |(name, wanted): (&String, &target::Drive)| {
        let path = image.drive(name).ok_or_else(|| PrepareError::NoSuchDrive(name.clone()))?;
        let plugged = *wanted == target::Drive::Plugged;
        Ok(Drive { name: name.clone(), image: Arc::new(open(&path)?), plugged })
    };
    wanted.iter().map(drive).collect()
}

/// Boots the image with its drives, runs the steps, shuts down: what is left is the provisioned disk.
pub(super) async fn provision(target: &str, image: &Stage, plan: &Plan) -> Result<Disk, PrepareError> {
    let vm = timed(&*image.listener, format!("boot the image of {target}"), async {
        let vm = image.power_on(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
        booted(&vm).await.map(|()| vm)
    })
    .await?;
    timed(&*image.listener, format!("provision {target}"), async {
        let provisioned = plan.provision(&vm, &*image.listener).await;
        provisioned.map_err(|error| PrepareError::Provision(Box::new(error)))?;
        vm.succeed("sync").await?;
        vm.shut_down().await?;
        Ok(vm.disk().clone())
    })
    .await
}

/// Tells of the build of one image.
pub struct Telling<'l> {
    listener: &'l dyn Listener,
    target: &'l str,
    /// The stage that has begun last, and when.
    stage: Mutex<Option<(String, Instant)>>,
}

impl<'l> Telling<'l> {
    pub fn new(listener: &'l dyn Listener, target: &'l str) -> Telling<'l> {
        Telling { listener, target, stage: Mutex::default() }
    }

    pub fn tell(&self, progress: ImageProgress) {
        let (target, note) = (self.target, |text: String| self.listener.hear(&Event::Noted { text }));
        match progress {
            ImageProgress::Waiting => {
                note(format!("another process builds the image of {target}: waiting for it"))
            }
            ImageProgress::Corrupted { file, reason } => {
                note(format!("{} is damaged ({reason}): the image is built again", file.display()));
            }
            ImageProgress::Stage { stage, done: 0, .. } => {
                self.begins(Some(format!("build the image of {target}: {stage}")));
            }
            ImageProgress::Ready { .. } => self.begins(None),
            ImageProgress::Stage { .. } => {}
        }
    }

    /// The stage before has ended when the next begins, or none does.
    fn begins(&self, stage: Option<String>) {
        let next = stage.clone().map(|what| (what, Instant::now()));
        let mut current = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let last = std::mem::replace(&mut *current, next);
        let ended = last.map(|(what, began)| Event::Prepared { what, took: began.elapsed() });
        let begun = stage.map(|what| Event::Preparing { what });
        ended.iter().chain(&begun).for_each(|event| self.listener.hear(event));
    }
}

pub(super) fn open(path: &Path) -> Result<File, PrepareError> {
    File::open(path).map_err(|source| failed(&format!("open {}", path.display()), source))
}

pub(super) fn failed(action: &str, source: io::Error) -> PrepareError {
    PrepareError::Io { action: format!("cannot {action}"), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_taken_and_else_kvm_is_tried_where_it_can_be() {
        for asked in [Accelerator::Kvm, Accelerator::Tcg] {
            assert_eq!(Choice::of(Some(asked), true), Choice::Made(asked));
        }
        assert_eq!(Choice::of(None, false), Choice::Made(Accelerator::Tcg));
        assert_eq!(Choice::of(None, true), Choice::Open);
    }
}
