//! What every command that starts machines begins with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::cache::Cache;
use lab::target::{DiskImage, Existing, Stage};
use lab::{self, Access, Allow, Changes, Kind, Lab, Overlay, Sources, Target};
use machine::patience;
use machine::qemu::could_accelerate;
use machine::ssh::Login;
use record::event::{Event, Listener};
use record::{Accelerator, Architecture, MachineKind, Need, Text, Transcript};

use super::agenda::Agenda;
use super::arguments::{self, Accel, Machine, Subject};
use super::failure::Failure;
use crate::{Check, Suite};

/// A target that was found and read, before anything is started.
pub struct Session {
    pub agenda: Agenda,
    /// With the stage that each is laid over, if there are several.
    overlays: Vec<(Option<String>, Overlay)>,
    /// What would leave out the corrections that lie beneath them.
    corrections: Vec<(Option<String>, Overlay)>,
    kind: Kind,
}

impl Session {
    /// Reads all files that the user named, and declares the secrets in them.
    pub fn open(subject: &Subject, catalogue: &[Suite]) -> Result<Session, Failure> {
        patience::wait(subject.patience);
        let agenda = Agenda::find(&subject.target, catalogue)?;
        let target = &agenda.target;
        let kind = kind(subject, target)?;
        let (mut overlays, mut corrections) = (Vec::new(), Vec::new());
        match (&target.literal, subject.without_corrections) {
            (Some(literal), true) => overlays.extend(load(literal, target)?),
            (Some(literal), false) => corrections.extend(load(literal, target)?),
            (None, true) => {
                return Err(Failure::usage(format!(
                    "{} names no `literal` files in its target file, so nothing tells what its corrections are",
                    target.name
                )));
            }
            (None, false) => {}
        }
        // What somebody has on a machine of theirs is there already.
        let own = target.overlay.iter().filter(|_| !matches!(kind, Kind::Remote(_)));
        for directory in own.chain(&subject.overlays) {
            overlays.extend(load(directory, target)?);
        }
        match &kind {
            Kind::Virtual(Some(Accelerator::Kvm)) => {
                let stages = target.stages.iter();
                stages.map(|(name, stage)| (&**name, stage.architecture)).try_for_each(only_ours(target))?;
            }
            Kind::Image(own, Some(Accelerator::Kvm)) => only_ours(target)(("image", own.architecture))?,
            _ => {}
        }
        Ok(Session { agenda, overlays, corrections, kind })
    }

    pub fn machine(&self) -> MachineKind {
        match self.kind {
            Kind::Virtual(_) => MachineKind::Vm,
            Kind::Image(..) => MachineKind::Image,
            Kind::Container => MachineKind::Container,
            Kind::Remote(_) => MachineKind::Ssh,
        }
    }

    /// Whether mutants may be made of its machines.
    pub fn can_be_broken(&self) -> Result<(), Failure> {
        match &self.kind {
            Kind::Remote(access) if !access.restores() => Err(Failure::usage(format!(
                "{} is not assay's: it is broken on purpose only with --allow state and a `restore` command under \
                 [machine.ssh] in the target file, which undoes that",
                access.login.host
            ))),
            _ => Ok(()),
        }
    }

    /// Those that only look come first where nothing is put back by itself.
    pub fn in_order(&self, mut checks: Vec<Check>) -> Vec<Check> {
        if matches!(self.kind, Kind::Remote(_)) {
            checks.sort_by_key(|check| Access::changes(&check.needs));
        }
        checks
    }

    /// What these checks will do to a machine that is not assay's, and their mutants if those are tried.
    pub fn intentions(&self, checks: &[Check], mutants: bool) -> Option<String> {
        let Kind::Remote(access) = &self.kind else { return None };
        let host = &access.login.host;
        let tried = checks.iter().filter(|check| check.needs.iter().all(|need| access.allows(*need)));
        let tried: Vec<&Check> = tried.collect();
        let changing = tried.iter().filter(|check| Access::changes(&check.needs)).count();
        let rebooting = tried.iter().filter(|check| check.needs.contains(&Need::Boot)).count();
        let mutants: usize = if mutants { tried.iter().map(|check| check.mutants.len()).sum() } else { 0 };
        if changing + mutants == 0 {
            return Some(format!("{host} is only looked at"));
        }
        let broken = if mutants > 0 { format!(" and {mutants} mutants") } else { String::new() };
        let rebooted =
            if rebooting > 0 { format!(", and rebooted by {rebooting} of them") } else { String::new() };
        let undone = match &access.restore {
            Some(restore) => format!("after each, `{restore}` is run on this host to undo that"),
            None => "nothing undoes that".to_owned(),
        };
        Some(format!(
            "{host} will be changed by {changing} of {} checks{broken}, one at a time{rebooted}; {undone}",
            checks.len()
        ))
    }

    /// The stage that the user names, or the only one, which a disk is without a name.
    pub fn stage(&self, name: Option<&str>) -> Result<Option<String>, Failure> {
        if let (Kind::Image(..), None) = (&self.kind, name) {
            return Ok(None);
        }
        let stages = &self.agenda.target.stages;
        let meant = |stage: &&String| name.map_or(stages.len() == 1, |name| *stage == name);
        stages.keys().find(meant).cloned().map(Some).ok_or_else(|| {
            let known = stages.keys().cloned().collect::<Vec<_>>().join(", ");
            Failure::usage(format!(
                "{} has these stages: name one with --stage: {known}",
                self.agenda.target.name
            ))
        })
    }

    /// Leaves out the stages that none of these checks can be about: those that others of all checks name. Gives what
    /// there is to tell of overlays that have no effect then.
    pub fn without_stages_for_others(&mut self, checks: &[Check]) -> Vec<String> {
        let about = |check: &Check| {
            let variant = check.invariant.variant.clone();
            variant.filter(|variant| self.agenda.target.stages.contains_key(&**variant))
        };
        let Some(wanted) = checks.iter().map(about).collect::<Option<BTreeSet<Text>>>() else {
            return Vec::new();
        };
        let named: BTreeSet<Text> =
            self.agenda.checks.iter().flat_map(|(_, checks)| checks).filter_map(about).collect();
        let stages = &mut self.agenda.target.stages;
        stages.retain(|name, _| wanted.contains(&**name) || !named.contains(&**name));
        let is_there = |stage: &Option<String>| stage.as_ref().is_none_or(|stage| stages.contains_key(stage));
        self.corrections.retain(|(stage, _)| is_there(stage));
        let (laid, left) =
            std::mem::take(&mut self.overlays).into_iter().partition(|(stage, _)| is_there(stage));
        self.overlays = laid;
        let left: Vec<(Option<String>, Overlay)> = left;
        let told = |(stage, overlay): &(Option<String>, Overlay)| {
            let stage = stage.as_deref().unwrap_or_default();
            format!(
                "the overlay {} has no effect: no check that runs is about the stage {stage}",
                overlay.directory().display()
            )
        };
        left.iter().map(told).collect()
    }

    /// The digests of what is laid over the target, each after the stage that it is laid over.
    pub fn overlays(&self) -> impl Iterator<Item = String> {
        self.overlays.iter().map(|(stage, overlay)| {
            let digest = overlay.digest();
            stage.as_ref().map_or_else(|| digest.to_string(), |stage| format!("{stage}:{digest}"))
        })
    }

    /// Builds, boots and provisions whatever is not in the cache yet. Where guests run under KVM, checks that let time run
    /// ahead have emulated ones of their own.
    pub async fn sources(&self, checks: &[Check], listener: &Arc<dyn Listener>) -> Result<Sources, Failure> {
        let lapsing = checks.iter().filter(|check| check.needs.contains(&Need::Lapse)).count();
        let could = match &self.kind {
            Kind::Image(own, _) => lab::could_try(own.architecture),
            _ => self.agenda.target.stages.values().any(|stage| lab::could_try(stage.architecture)),
        };
        let emulated = match self.kind.emulated() {
            Some(emulated) if could && lapsing > 0 => emulated,
            _ => return Ok(Sources::one(self.prepare(listener).await?)),
        };
        let note = |text: String| listener.hear(&Event::Noted { text });
        if lapsing == checks.len() {
            note(
                "guests are emulated: all these checks let time run ahead, which it does not under KVM"
                    .into(),
            );
            return Ok(Sources::one(self.prepare_as(emulated, listener).await?));
        }
        let lab = self.prepare(listener).await?;
        if !lab.is_accelerated() {
            return Ok(Sources::one(lab));
        }
        note(format!(
            "guests run under KVM, but for those of {lapsing} checks, which are emulated: they let time run ahead"
        ));
        let quiet: Arc<dyn Listener> = Arc::new(Again(listener.clone()));
        Ok(Sources::two(lab, self.prepare_as(emulated, &quiet).await?))
    }

    /// The same for whoever needs no more than commands and files.
    pub async fn prepare(&self, listener: &Arc<dyn Listener>) -> Result<Lab, Failure> {
        self.prepare_as(self.kind.clone(), listener).await
    }

    async fn prepare_as(&self, kind: Kind, listener: &Arc<dyn Listener>) -> Result<Lab, Failure> {
        let cache = Cache::open()?;
        let lab = lab::prepare(&self.agenda.target, &cache, kind, listener);
        let mut lab = lab.await.map_err(|error| {
            let action = format!("prepare the target {}", self.agenda.target.name);
            if error.is_bad_file() { Failure::usage(error) } else { Failure::broken(&action, error) }
        })?;
        for (stage, overlay) in &self.overlays {
            let stage = stage.as_deref();
            let changes = Changes::Overlay { overlay, stage, listener: &**listener };
            let laid = lab.changed(stage, &changes, &Transcript::default()).await;
            let action = format!("lay the overlay {} over the target", overlay.directory().display());
            lab = laid.map_err(|error| Failure::broken(&action, error))?;
        }
        self.corrections_beneath()
            .iter()
            .for_each(|text| listener.hear(&Event::Noted { text: text.clone() }));
        Ok(lab)
    }

    /// What the reference has corrected on the stages that overlays lie over, and they leave as it is: what somebody
    /// brings of a machine of their own may pass only because of it.
    fn corrections_beneath(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for (stage, correction) in &self.corrections {
            let over: Vec<&Overlay> = self
                .overlays
                .iter()
                .filter(|(known, _)| known == stage)
                .map(|(_, overlay)| overlay)
                .collect();
            let beneath = correction.paths().filter(|path| !over.iter().any(|overlay| overlay.touches(path)));
            let beneath: Vec<String> = beneath.map(|path| format!("/{path}")).collect();
            if !over.is_empty() && !beneath.is_empty() {
                texts.push(format!(
                    "what the reference corrects lies beneath the overlay: {}; --without-corrections takes the \
                     document's own",
                    beneath.join(", ")
                ));
            }
        }
        texts
    }
}

/// What the user asks for, or else the target file.
fn kind(subject: &Subject, target: &Target) -> Result<Kind, Failure> {
    let asked = subject.machine.clone().unwrap_or_else(|| match &target.machine {
        Existing { ssh: Some(ssh), .. } => Machine::Ssh(ssh.host.clone()),
        Existing { image: Some(_), .. } => Machine::Image(PathBuf::new()),
        _ => Machine::Vm,
    });
    if let Machine::Ssh(host) = asked {
        return Ok(Kind::Remote(access(host, subject, target)?));
    }
    if subject.allow.is_some() {
        return Err(Failure::usage("--allow is about a machine over SSH: assay's own may be changed anyway"));
    }
    let accelerator = match subject.accel {
        Accel::Auto => None,
        Accel::Kvm => Some(Accelerator::Kvm),
        Accel::Tcg => Some(Accelerator::Tcg),
    };
    if let Machine::Image(file) = asked {
        return Ok(Kind::Image(image(file, target)?, accelerator));
    }
    if target.stages.is_empty() {
        return Err(Failure::usage(format!(
            "{} has no [stage.NAME] in its target file, which --machine {asked} is made from: leave --machine out",
            target.name
        )));
    }
    match (asked, accelerator) {
        (Machine::Container, None) => Ok(Kind::Container),
        (Machine::Container, Some(_)) => Err(Failure::usage(
            "--accel is about virtual machines: a container's processes run on the processor itself",
        )),
        (_, accelerator) => Ok(Kind::Virtual(accelerator)),
    }
}

/// The disk that the user names, or else the target file, in the machine that the target file describes.
fn image(file: PathBuf, target: &Target) -> Result<DiskImage, Failure> {
    if target.stages.len() > 1 {
        return Err(Failure::usage(format!(
            "{} has several kinds of machine, and a disk makes only one: name a target that has one",
            target.name
        )));
    }
    let known = target.machine.image.clone();
    if file.as_os_str().is_empty() {
        return known.ok_or_else(|| Failure::usage("--machine image: names no file"));
    }
    let machine = known.unwrap_or_else(|| match target.stages.values().next() {
        None => DiskImage::of(PathBuf::new()),
        Some(Stage { architecture, memory, cpus, .. }) => {
            let (architecture, memory, cpus) = (*architecture, *memory, *cpus);
            DiskImage { architecture, memory, cpus, ..DiskImage::of(PathBuf::new()) }
        }
    });
    Ok(DiskImage { file: Some(file), build: None, ..machine })
}

/// To a host over SSH. The commands of a target file are about the host that it names, and no other.
fn access(host: String, subject: &Subject, target: &Target) -> Result<Access, Failure> {
    if subject.accel != Accel::Auto {
        return Err(Failure::usage("--accel is about virtual machines: a machine over SSH is what it is"));
    }
    if !subject.overlays.is_empty() || subject.without_corrections {
        return Err(Failure::usage(format!(
            "files are laid over machines that assay makes: what is on {host} stays as it is"
        )));
    }
    let allow = match subject.allow {
        None | Some(arguments::Allow::Nothing) => Allow::Nothing,
        Some(arguments::Allow::State) => Allow::State,
        Some(arguments::Allow::Power) => Allow::Power,
    };
    let known = target.machine.ssh.as_ref().filter(|ssh| ssh.host == host).cloned();
    let (config, reboot, restore) =
        known.map_or((None, None, None), |ssh| (ssh.config, ssh.reboot, ssh.restore));
    // The directory of a name alone is written as nothing, where nobody can work.
    let directory = Path::new(".").join(target.document().directory());
    Ok(Access { login: Login { host, config }, allow, reboot, restore, directory })
}

/// That a stage is of this host's architecture.
fn only_ours(target: &Target) -> impl Fn((&str, Architecture)) -> Result<(), Failure> {
    |(stage, architecture)| match could_accelerate(architecture) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "--accel kvm: the stage {stage} of {} is of {architecture}, and KVM on this host runs guests of {}: leave \
             --accel out, and what can runs under KVM",
            target.name,
            std::env::consts::ARCH
        ))),
    }
}

/// Hears what is prepared a second time, without what was told the first.
struct Again(Arc<dyn Listener>);

impl Listener for Again {
    fn hear(&self, event: &Event) {
        if !matches!(event, Event::Laid(_) | Event::Noted { .. }) {
            self.0.hear(event);
        }
    }
}

/// The overlays of one directory: itself, or in a target of several stages one for each.
fn load(directory: &Path, target: &Target) -> Result<Vec<(Option<String>, Overlay)>, Failure> {
    let load = |directory: &Path| Overlay::load(directory).map_err(Failure::usage);
    if target.stages.len() <= 1 {
        return Ok(vec![(None, load(directory)?)]);
    }
    let unreadable = |error| Failure::usage(format!("the overlay {}: {error}", directory.display()));
    let mut overlays = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !target.stages.contains_key(&name) {
            let known = target.stages.keys().cloned().collect::<Vec<_>>().join(", ");
            let (directory, target) = (directory.display(), &target.name);
            return Err(Failure::usage(format!(
                "the overlay {directory} has {name:?}, but {target} has several stages, and what is laid over one \
                 stands in a directory of its name: {known}"
            )));
        }
        overlays.push((Some(name), load(&entry.path())?));
    }
    Ok(overlays)
}
