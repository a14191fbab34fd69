//! What makes a changed target: the edits of a mutant, or the user's own files.

use std::path::Path;

use crate::check::Edit;
use crate::overlay::Overlay;
use crate::smartcard::SmartCards;
use crate::{Machine, MachineError};

/// Something to change on a target's disk.
pub enum Changes<'a> {
    Edits(&'a [Edit]),
    Overlay(&'a Overlay),
}

impl Changes<'_> {
    pub(super) async fn apply(&self, machine: &dyn Machine) -> Result<(), MachineError> {
        match self {
            Changes::Edits(edits) => {
                for edit in *edits {
                    apply(edit, machine).await?;
                }
                Ok(())
            }
            Changes::Overlay(overlay) => overlay.lay(machine).await,
        }
    }

    /// The smartcards of the changed target.
    pub(super) fn smartcards(&self, smartcards: &SmartCards) -> SmartCards {
        let edits = match self {
            Changes::Edits(edits) => edits,
            Changes::Overlay(_) => &[][..],
        };
        let flaw = edits.iter().find_map(|edit| match edit {
            Edit::Token(flaw) => Some(*flaw),
            _ => None,
        });
        flaw.map_or_else(|| smartcards.clone(), |flaw| smartcards.with(flaw))
    }
}

async fn apply(edit: &Edit, machine: &dyn Machine) -> Result<(), MachineError> {
    match *edit {
        Edit::Write { path, content } => machine.write(Path::new(path), content.as_bytes(), 0o644).await,
        Edit::Remove { path } => machine.succeed(&format!("rm -- {path}")).await.map(drop),
        Edit::Replace { path, from, to } => {
            let path = Path::new(path);
            let mode = machine.succeed(&format!("stat --format=%a -- {}", path.display())).await?;
            let mode = u32::from_str_radix(&mode, 8).unwrap_or(0o644);
            let text = machine.read(path).await?;
            let text = String::from_utf8_lossy(&text);
            let found = text.matches(from).count();
            if found != 1 {
                // A mutant that does not change what it says it changes proves nothing.
                return Err(MachineError::Refused {
                    machine: machine.name().to_owned(),
                    action: format!("change {}", path.display()),
                    reason: format!("it has {from:?} {found} times, not once"),
                });
            }
            machine.write(path, text.replace(from, to).as_bytes(), mode).await
        }
        Edit::Run { command } => machine.succeed(command).await.map(drop),
        Edit::Token(_) => Ok(()),
    }
}
