//! What makes a changed target: the edits of a mutant, or the user's own files.

use std::path::Path;

use crate::check::Edit;
use crate::machine::qemu::Vm;
use crate::overlay::Overlay;
use crate::{Machine, MachineError};

/// Something to change on a target's disk.
pub enum Changes<'a> {
    Edits(&'a [Edit]),
    Overlay(&'a Overlay),
}

impl Changes<'_> {
    pub(super) async fn apply(&self, vm: &Vm) -> Result<(), MachineError> {
        match self {
            Changes::Edits(edits) => {
                for edit in *edits {
                    apply(edit, vm).await?;
                }
                Ok(())
            }
            Changes::Overlay(overlay) => overlay.lay(vm).await,
        }
    }
}
