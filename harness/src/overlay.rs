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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::{Fake, Node, said};

    #[test]
    fn a_bad_overlay_is_refused_before_any_machine() {
        let error = Overlay::load(Path::new("no/such/directory")).unwrap_err().to_string();
        assert_eq!(error, "the overlay cannot be used: no/such/directory does not exist");
    }

    #[tokio::test]
    async fn a_laid_overlay_is_seen_by_systemd() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("demo.service"), "[Service]\n").unwrap();
        let overlay = Overlay::load(directory.path()).unwrap();
        let machine = Fake::new("fake").answer("systemctl daemon-reload", said(0, ""));
        overlay.lay(&machine).await.unwrap();
        assert!(
            matches!(&machine.files()["/demo.service"], Node::File { content, .. } if content == b"[Service]\n")
        );
        let last = machine.transcript().take().pop().unwrap();
        assert_eq!(last.action, "systemctl daemon-reload");
    }

    #[tokio::test]
    async fn an_empty_overlay_does_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let machine = Fake::new("fake");
        Overlay::load(directory.path()).unwrap().lay(&machine).await.unwrap();
        assert!(machine.transcript().take().is_empty());
    }
}
