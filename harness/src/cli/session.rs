//! What every command that starts machines begins with.

use std::path::Path;
use std::sync::Arc;

use super::arguments::{Accel, Subject};
use super::failure::Failure;
use crate::cache::Cache;
use crate::event::{Event, Listener};
use crate::lab::{self, Changes, Kind, Lab};
use crate::machine::qemu::Accelerator;
use crate::{Home, MachineKind, Overlay, Target};

/// A target that was found and read, before anything is started.
pub struct Session {
    pub target: Target,
    /// With the stage that each is laid over, if there are several.
    overlays: Vec<(Option<String>, Overlay)>,
    /// What would leave out the corrections that lie beneath them.
    corrections: Vec<(Option<String>, Overlay)>,
    kind: Kind,
}

impl Session {
    /// Reads all files that the user named.
    pub fn open(subject: &Subject) -> Result<Session, Failure> {
        let home = Home::find().map_err(Failure::usage)?;
        let target = Target::find(&subject.target, &home).map_err(Failure::usage)?;
        let (mut overlays, mut corrections) = (Vec::new(), Vec::new());
        match (&target.literal, subject.without_corrections) {
            (Some(literal), true) => overlays.extend(load(literal, &target)?),
            (Some(literal), false) => corrections.extend(load(literal, &target)?),
            (None, true) => {
                return Err(Failure::usage(format!(
                    "{} names no `literal` files in its target file, so nothing tells what its corrections are",
                    target.name
                )));
            }
            (None, false) => {}
        }
        for directory in &subject.overlays {
            overlays.extend(load(directory, &target)?);
        }
        let kind = match (subject.machine, subject.accel) {
            (MachineKind::Container, Accel::Auto) => Kind::Container,
            (MachineKind::Container, _) => {
                return Err(Failure::usage(
                    "--accel is about virtual machines: a container's processes run on the processor itself",
                ));
            }
            (MachineKind::Vm, Accel::Auto) => Kind::Virtual(None),
            (MachineKind::Vm, Accel::Kvm) => Kind::Virtual(Some(Accelerator::Kvm)),
            (MachineKind::Vm, Accel::Tcg) => Kind::Virtual(Some(Accelerator::Tcg)),
        };
        Ok(Session { target, overlays, corrections, kind })
    }

    /// The stage that the user names, or the only one.
    pub fn stage(&self, name: Option<&str>) -> Result<String, Failure> {
        let stages = &self.target.stages;
        let meant = |stage: &&String| name.map_or(stages.len() == 1, |name| *stage == name);
        stages.keys().find(meant).cloned().ok_or_else(|| {
            let known = stages.keys().cloned().collect::<Vec<_>>().join(", ");
            Failure::usage(format!("{} has these stages: name one with --stage: {known}", self.target.name))
        })
    }

    /// The digests of what is laid over the target, each after the stage that it is laid over.
    pub fn overlays(&self) -> impl Iterator<Item = String> {
        self.overlays.iter().map(|(stage, overlay)| {
            let digest = overlay.digest();
            stage.as_ref().map_or_else(|| digest.to_string(), |stage| format!("{stage}:{digest}"))
        })
    }

    /// Builds, boots and provisions whatever is not in the cache yet.
    pub async fn prepare(&self, listener: &Arc<dyn Listener>) -> Result<Lab, Failure> {
        let cache = Cache::open()?;
        let lab = lab::prepare(&self.target, &cache, self.kind, listener);
        let mut lab = lab.await.map_err(|error| {
            let action = format!("prepare the target {}", self.target.name);
            if error.is_bad_file() { Failure::usage(error) } else { Failure::broken(&action, error) }
        })?;
        for (stage, overlay) in &self.overlays {
            let stage = stage.as_deref();
            let laid = lab.changed(stage, &Changes::Overlay { overlay, stage, listener: &**listener }).await;
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

/// The overlays of one directory: itself, or in a target of several stages one for each.
fn load(directory: &Path, target: &Target) -> Result<Vec<(Option<String>, Overlay)>, Failure> {
    let load = |directory: &Path| Overlay::load(directory).map_err(Failure::usage);
    if target.stages.len() == 1 {
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
