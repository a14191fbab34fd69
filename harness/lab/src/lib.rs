//! Where the machines of one target come from: its file, its steps, and what is laid over it or changed.

mod build;
mod change;
mod changed;
mod containers;
mod disk_image;
mod kept;
mod memo;
mod mutant;
mod overlay;
mod prepare;
mod probe;
pub mod provision;
mod provisioning;
mod remote;
pub mod settings;
mod sources;
mod stage;
mod store;
pub mod target;
pub mod tree;

use std::sync::Arc;

use image::cache::Cache;
use record::event::Listener;
use record::{MachineError, Need, Transcript};

use self::memo::Memo;
pub use build::BuildError;
pub use change::Changes;
pub use containers::Containers;
pub use disk_image::DiskImageError;
pub use kept::Kept;
pub use mutant::{Edit, Mutant};
pub use overlay::{Overlay, OverlayError};
pub use prepare::{Kind, PrepareError, Telling, prepare};
pub use probe::could_try;
pub use provisioning::Provisioning;
pub use remote::{Access, Allow, Remote, Turn};
pub use settings::{Setting, Settings, SettingsError, Table};
pub use sources::Sources;
pub use stage::{BOOT_LIMIT, Drives, Stage, booted, timed};
pub use store::KINDS;
pub use target::{Home, Target};

/// One target, of which machines can be had.
#[derive(Clone)]
pub struct Lab {
    target: String,
    machines: Machines,
    settings: Arc<Settings>,
    kept: Arc<Kept>,
    cache: Cache,
    listener: Arc<dyn Listener>,
}

/// What kind of machines.
#[derive(Clone)]
enum Machines {
    /// By the stages' names in the target file.
    Virtual(Vec<(String, Arc<Stage>)>),
    Containers(Arc<Containers>),
    /// One that is somebody's own.
    Remote(Arc<Remote>),
    /// None at all, and why.
    None(String),
}

impl Lab {
    /// A target of which nothing can be had, and why.
    pub fn without_machines(target: &str, reason: &str, cache: Cache, listener: Arc<dyn Listener>) -> Lab {
        Lab {
            target: target.to_owned(),
            machines: Machines::None(reason.to_owned()),
            settings: Arc::default(),
            kept: Arc::default(),
            cache,
            listener,
        }
    }

    pub fn target(&self) -> &str {
        &self.target
    }

    /// The tables of its target file that belong to suites.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What suites keep for all checks of a run.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    pub fn listener(&self) -> &dyn Listener {
        &*self.listener
    }

    /// Whether a processor, not an emulator, executes the instructions of some of its machines.
    pub fn is_accelerated(&self) -> bool {
        match &self.machines {
            Machines::Virtual(stages) => stages.iter().any(|(_, stage)| stage.is_accelerated()),
            Machines::Containers(_) | Machines::Remote(_) | Machines::None(_) => false,
        }
    }

    /// Whether its machines have what a check needs, which is about this stage if it is about one; or why not, and where
    /// it can be had.
    pub fn has(&self, need: Need, stage: Option<&str>) -> Result<(), String> {
        match (&self.machines, need) {
            (Machines::None(reason), _) => Err(self.no_machines(reason).to_string()),
            (Machines::Containers(_), Need::Undo) => Ok(()),
            (Machines::Containers(_), need) => {
                Err(format!("containers have no {need}, which `--machine vm` has"))
            }
            (Machines::Remote(remote), need) => remote.has(need),
            (Machines::Virtual(_), need) => match self.stage(stage) {
                Ok(stage) => stage.has(need),
                // What does not exist is a fault of the check's, which it is told when it asks for it.
                Err(_) => Ok(()),
            },
        }
    }

    /// The stage of that name, of virtual machines. A target with one stage needs no name.
    pub fn stage(&self, name: Option<&str>) -> Result<&Arc<Stage>, MachineError> {
        let stages = match &self.machines {
            Machines::Virtual(stages) => &stages[..],
            Machines::Containers(_) | Machines::Remote(_) => {
                let (machine, need) = (self.target.clone(), Need::Boot);
                return Err(MachineError::Lacks { machine, need });
            }
            Machines::None(reason) => return Err(self.no_machines(reason)),
        };
        let found = match (name, stages) {
            (None, [(_, stage)]) => Some(stage),
            (None, _) => None,
            (Some(name), stages) => stages.iter().find(|(known, _)| known == name).map(|(_, stage)| stage),
        };
        found.ok_or_else(|| MachineError::NoStage {
            target: self.target.clone(),
            stage: name.unwrap_or_default().to_owned(),
            known: stages.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The containers, where these are the target's machines; `None` where others are.
    pub fn containers(&self) -> Result<Option<&Containers>, MachineError> {
        match &self.machines {
            Machines::Virtual(_) | Machines::Remote(_) => Ok(None),
            Machines::Containers(containers) => Ok(Some(containers)),
            Machines::None(reason) => Err(self.no_machines(reason)),
        }
    }

    /// The machine that is somebody's own, where it is the target's.
    pub fn remote(&self) -> Option<&Remote> {
        match &self.machines {
            Machines::Remote(remote) => Some(remote),
            _ => None,
        }
    }

    /// What was found out about the machines of this stage, or about all where there is only one kind.
    pub fn memo(&self, stage: Option<&str>) -> Result<&Memo, MachineError> {
        match &self.machines {
            Machines::Containers(containers) => Ok(&containers.memo),
            Machines::Remote(remote) => Ok(&remote.memo),
            Machines::Virtual(_) | Machines::None(_) => Ok(&self.stage(stage)?.memo),
        }
    }

    /// Waits until a check with these needs may begin, or somebody who changes the machines before that.
    pub async fn turn(&self, needs: &[Need], changes: bool) -> Result<Turn, MachineError> {
        match &self.machines {
            Machines::Remote(remote) => remote.turn(changes || Access::changes(needs)).await,
            _ => Ok(Turn::Any),
        }
    }

    /// Has what was begun for all checks end.
    pub async fn close(&self) {
        if let Machines::Remote(remote) = &self.machines {
            remote.close().await;
        }
    }

    /// The same target with something changed on the disks of one stage. What was done for it is in the transcript.
    pub async fn changed(
        &self,
        stage: Option<&str>,
        changes: &Changes<'_>,
        transcript: &Transcript,
    ) -> Result<Lab, MachineError> {
        let machines = match &self.machines {
            Machines::Virtual(stages) => {
                let changing = self.stage(stage)?;
                let changed = Arc::new(changing.changed(changes, transcript).await?);
                let stages = stages.iter().map(|(name, stage)| {
                    let stage = if Arc::ptr_eq(stage, changing) { &changed } else { stage };
                    (name.clone(), stage.clone())
                });
                Machines::Virtual(stages.collect())
            }
            Machines::Containers(containers) => {
                Machines::Containers(Arc::new(containers.changed(changes, transcript).await?))
            }
            Machines::Remote(remote) => {
                Machines::Remote(Arc::new(remote.changed(changes, transcript).await?))
            }
            Machines::None(reason) => Machines::None(reason.clone()),
        };
        let changed = Lab { machines, ..self.clone() };
        Ok(match changes.settings(&self.settings) {
            Some(settings) => Lab { settings: Arc::new(settings), kept: Arc::default(), ..changed },
            None => changed,
        })
    }

    fn no_machines(&self, reason: &str) -> MachineError {
        MachineError::NoMachines { target: self.target.clone(), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use record::{Outcome, Stop};

    use super::*;

    #[test]
    fn a_check_that_asks_for_machines_that_cannot_be_is_skipped_with_the_reason() {
        struct Deaf;
        impl Listener for Deaf {
            fn hear(&self, _: &record::event::Event) {}
        }
        let place = tempfile::tempdir().unwrap();
        let cache = Cache::at(place.path()).unwrap();
        let reason = "no Docker engine answers";
        let lab = Lab::without_machines("appliance", reason, cache, Arc::new(Deaf));
        let asks: [fn(&Lab) -> Outcome; 2] =
            [|lab| Ok(lab.stage(None).map(drop)?), |lab| Ok(lab.containers().map(drop)?)];
        for ask in asks {
            let Err(Stop::Skipped(reason)) = ask(&lab) else { panic!("it is not skipped") };
            assert_eq!(reason, "appliance cannot run in containers: no Docker engine answers");
        }
    }
}
