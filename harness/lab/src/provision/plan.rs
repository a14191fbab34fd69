//! All steps of a target, and running them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use machine::Machine;
use record::event::{Change, Event, Listener};
use serde::Deserialize;

use super::order::waves;
use super::{PlanError, ProvisionError, Step};
use crate::timed;
use crate::tree::{Modes, Tree, TreeError};

/// Steps whose needs are known and go around in no circle.
#[derive(Debug, Clone)]
pub struct Plan {
    document: String,
    /// Where the steps file is.
    directory: PathBuf,
    pub(super) steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// The document that the steps come from.
    document: String,
    #[serde(default, rename = "step")]
    steps: Vec<Step>,
}

impl Plan {
    /// Reads a steps file, and the tree of each step from `steps/ID/` beside it.
    pub fn load(file: &Path) -> Result<Plan, PlanError> {
        let Manifest { document, mut steps } = manifest::load(file)?;
        let directory = Path::new(".").join(file.parent().unwrap_or(Path::new("")));
        let trees = directory.join("steps");
        check(file, &steps)?;
        for step in &mut steps {
            step.files = files(&trees.join(&step.id))
                .map_err(|source| PlanError::Files { step: step.id.clone(), source })?;
            if step.files.is_empty() && step.closure.is_none() && step.apply.is_empty() {
                return Err(PlanError::Idle { file: file.into(), step: step.id.clone() });
            }
        }
        match stray(&trees, &steps) {
            Some(directory) => Err(PlanError::Stray(directory)),
            None => Ok(Plan { document, directory, steps }),
        }
    }

    pub fn document(&self) -> &str {
        &self.document
    }

    /// Builds the closures of all steps.
    pub async fn build(&mut self, listener: &dyn Listener) -> Result<(), PlanError> {
        let directory = &self.directory;
        for step in &mut self.steps {
            let Some(closure) = &mut step.closure else { continue };
            let building = timed(listener, format!("run `{}`", closure.build), closure.build(directory));
            building.await.map_err(|source| PlanError::Closure { step: step.id.clone(), source })?;
        }
        Ok(())
    }

    /// Names everything that is done, once all is built: equal plans, equal digests.
    pub fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for step in &self.steps {
            hasher.update(format!("{:?}", step.without_files()).as_bytes());
            hasher.update(step.files.digest().as_bytes());
        }
        hasher.finalize()
    }

    /// In the order of the steps file.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps in groups that can run at once, each needing only earlier groups.
    pub fn waves(&self) -> Vec<Vec<&Step>> {
        let waves = waves(&self.steps).unwrap_or_default();
        waves.into_iter().map(|wave| wave.into_iter().map(|at| &self.steps[at]).collect()).collect()
    }

    /// Runs every step as soon as those it needs are there, independent ones at the same time.
    /// After a failure nothing new begins, but what runs is let finish: half a step is worse than none.
    pub async fn provision(
        &self,
        machine: &dyn Machine,
        listener: &dyn Listener,
    ) -> Result<Vec<(String, Change)>, ProvisionError> {
        let mut waiting: Vec<&Step> = self.steps.iter().collect();
        let mut there: BTreeSet<&str> = BTreeSet::new();
        let mut running = FuturesUnordered::new();
        let mut changes = Vec::new();
        let mut failure = None;
        loop {
            if failure.is_none() {
                for step in waiting.extract_if(.., |step| step.can_follow(&there)) {
                    running.push(async move { (step, step.ensure(machine).await) });
                }
            }
            let Some((step, result)) = running.next().await else { break };
            match result {
                Ok(change) => {
                    there.insert(&step.id);
                    listener.hear(&Event::Provisioned { step: step.id.clone(), change });
                    changes.push((step.id.clone(), change));
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(changes), Err)
    }

    /// Runs one step alone. Refuses, without changing anything, when one that it needs is not there.
    pub async fn run(&self, id: &str, machine: &dyn Machine) -> Result<Change, ProvisionError> {
        let Some(step) = self.step(id) else {
            let known = self.steps.iter().map(|step| step.id.clone()).collect();
            return Err(ProvisionError::NoSuchStep { id: id.into(), known });
        };
        let mut missing = Vec::new();
        for need in step.needs.iter().filter_map(|need| self.step(need)) {
            if !need.is_there(machine).await? {
                missing.push(need.id.clone());
            }
        }
        if !missing.is_empty() {
            let machine = machine.name().into();
            return Err(ProvisionError::TooEarly { step: id.into(), machine, missing });
        }
        step.ensure(machine).await
    }

    fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

fn check(file: &Path, steps: &[Step]) -> Result<(), PlanError> {
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    for Step { id, .. } in steps {
        // An id is a directory's name, and must not lead out of its parent.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        if !id.starts_with(|c: char| c.is_ascii_alphanumeric()) || !id.chars().all(plain) {
            return Err(PlanError::BadId { file: file.into(), id: id.clone() });
        }
        if !ids.insert(id) {
            return Err(PlanError::Duplicate { file: file.into(), id: id.clone() });
        }
    }
    for step in steps {
        if let Some(need) = step.needs.iter().find(|need| !ids.contains(need.as_str())) {
            return Err(PlanError::UnknownNeed {
                file: file.into(),
                step: step.id.clone(),
                need: need.clone(),
                known: steps.iter().map(|step| step.id.clone()).collect(),
            });
        }
    }
    waves(steps).map_err(|steps| PlanError::Cycle { file: file.into(), steps })?;
    Ok(())
}

/// A step without a directory has no files.
fn files(directory: &Path) -> Result<Tree, TreeError> {
    match Tree::load(directory, Modes::Plain) {
        Err(TreeError::Missing(_)) => Ok(Tree::default()),
        other => other,
    }
}

/// A directory of files that no step lays: a step was renamed, or its name mistyped.
fn stray(trees: &Path, steps: &[Step]) -> Option<PathBuf> {
    let children = std::fs::read_dir(trees).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = children.map(|child| child.path()).collect();
    paths.sort();
    paths.into_iter().find(|path| !steps.iter().any(|step| path.ends_with(&step.id)))
}
