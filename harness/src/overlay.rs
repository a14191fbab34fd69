//! A directory tree of the user's own files, laid over the provisioned target.

use std::path::{Path, PathBuf};

use crate::machine::{Machine, MachineError};
use crate::tree::{Modes, Tree, TreeError};

#[derive(Debug, Clone)]
pub struct Overlay {
    directory: PathBuf,
    tree: Tree,
}

#[derive(Debug, thiserror::Error)]
#[error("the overlay cannot be used: {0}")]
pub struct OverlayError(#[from] TreeError);

impl Overlay {
    /// Reads the whole overlay, so that what cannot be laid is known before any machine starts.
    pub fn load(directory: &Path) -> Result<Overlay, OverlayError> {
        let tree = Tree::load(directory, Modes::Kept)?;
        Ok(Overlay { directory: directory.into(), tree })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Lays the files and lets systemd read its units again. What a machine only does at boot, such as
    /// enabling units by links, takes effect at the next boot.
    pub async fn lay(&self, machine: &dyn Machine) -> Result<(), MachineError> {
        if self.tree.is_empty() {
            return Ok(());
        }
        self.tree.lay(machine).await?;
        machine.succeed("systemctl daemon-reload").await?;
        Ok(())
    }
}
