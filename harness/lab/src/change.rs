//! What makes a changed target: the edits of a mutant, or the user's own files.

use std::path::Path;

use machine::Machine;
use record::event::{Event, Listener};
use record::{Laid, MachineError};

use crate::overlay::Overlay;
use crate::provision::Plan;
use crate::settings::Settings;
use crate::{Edit, Mutant};

/// Something to change about a target.
pub enum Changes<'a> {
    Mutant(&'a Mutant),
    /// Files of the user's, over a stage that is named where there are several. Whoever listens hears what they did.
    Overlay {
        overlay: &'a Overlay,
        stage: Option<&'a str>,
        listener: &'a dyn Listener,
    },
}

impl Changes<'_> {
    pub(super) async fn apply(&self, machine: &dyn Machine) -> Result<(), MachineError> {
        match self {
            Changes::Mutant(mutant) => {
                for edit in &mutant.edits {
                    apply(edit, machine).await?;
                }
                Ok(())
            }
            Changes::Overlay { overlay, stage, listener } => {
                let laid = Laid { stage: stage.map(str::to_owned), ..overlay.lay(machine).await? };
                listener.hear(&Event::Laid(Box::new(laid)));
                Ok(())
            }
        }
    }

    /// Whether anything changes on the disk.
    pub(super) fn touch_the_disk(&self) -> bool {
        let beside = |edit: &Edit| matches!(edit, Edit::Setting(_) | Edit::Step { .. });
        match self {
            Changes::Mutant(mutant) => !mutant.edits.iter().all(beside),
            Changes::Overlay { .. } => true,
        }
    }

    /// Whether a machine has to boot for it to take effect.
    pub(super) fn boot(&self) -> bool {
        matches!(self, Changes::Mutant(Mutant { boots: true, .. }))
    }

    /// The settings of the changed target, where they are others.
    pub(super) fn settings(&self, settings: &Settings) -> Option<Settings> {
        let edits = self.edits().iter();
        let changed = edits.filter_map(|edit| match edit {
            Edit::Setting(setting) => Some(setting.clone()),
            _ => None,
        });
        changed.fold(None, |all, setting| Some(all.unwrap_or_else(|| settings.clone()).with(setting)))
    }

    /// The steps of the changed target.
    pub(super) fn plan(&self, target: &str, plan: &Plan) -> Result<Plan, MachineError> {
        let mut plan = plan.clone();
        for edit in self.edits() {
            let Edit::Step { id, flaw } = edit else { continue };
            plan = plan.with(id, flaw).ok_or_else(|| MachineError::Refused {
                machine: target.to_owned(),
                action: format!("change step {id}"),
                reason: format!("it has nothing for {flaw:?} to change"),
            })?;
        }
        Ok(plan)
    }

    fn edits(&self) -> &[Edit] {
        match self {
            Changes::Mutant(mutant) => &mutant.edits,
            Changes::Overlay { .. } => &[],
        }
    }
}

async fn apply(edit: &Edit, machine: &dyn Machine) -> Result<(), MachineError> {
    match edit {
        Edit::Write { path, content } => machine.write(Path::new(&**path), content.as_bytes(), 0o644).await,
        Edit::Remove { path } => machine.succeed(&format!("rm -- {path}")).await.map(drop),
        Edit::Replace { path, from, to } => {
            let path = Path::new(&**path);
            let mode = machine.succeed(&format!("stat --format=%a -- {}", path.display())).await?;
            let mode = u32::from_str_radix(&mode, 8).unwrap_or(0o644);
            let text = machine.read(path).await?;
            let text = String::from_utf8_lossy(&text);
            let found = text.matches(&**from).count();
            if found != 1 {
                // A mutant that does not change what it says it changes proves nothing.
                return Err(MachineError::Refused {
                    machine: machine.name().to_owned(),
                    action: format!("change {}", path.display()),
                    reason: format!("it has {from:?} {found} times, not once"),
                });
            }
            machine.write(path, text.replace(&**from, to).as_bytes(), mode).await
        }
        Edit::Run { command } => machine.succeed(command).await.map(drop),
        Edit::Setting(_) | Edit::Step { .. } => Ok(()),
    }
}
