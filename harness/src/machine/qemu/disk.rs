//! A root disk: an image that is never changed, and layers over it.

use std::fs::File;
use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;

use command_fds::{CommandFdExt, FdMapping};

use super::arguments::Format;
use super::ramfile;

/// The program that makes layers.
pub const DISK_TOOL: &str = "qemu-img";

/// The image layers of a disk, the newest first. Cloning shares them.
#[derive(Clone)]
pub struct Disk {
    /// What the guest sees, in bytes.
    size: u64,
    layers: Vec<(Arc<File>, Format)>,
}

impl Disk {
    /// A disk that is one raw image.
    pub fn image(file: File) -> io::Result<Disk> {
        Ok(Disk { size: file.metadata()?.len(), layers: vec![(Arc::new(file), Format::Raw)] })
    }

    /// This disk with one more layer over it.
    pub fn under(&self, layer: File) -> Disk {
        let mut layers = self.layers.clone();
        layers.insert(0, (Arc::new(layer), Format::Qcow2));
        Disk { size: self.size, layers }
    }

    /// This disk with an empty layer over it, kept in memory, for a machine to write to.
    pub fn fresh_layer(&self) -> io::Result<Disk> {
        let layer = ramfile::empty(0)?;
        let created = Command::new(DISK_TOOL)
            .args(["create", "-q", "-f", "qcow2", "/dev/fd/3", &self.size.to_string()])
            .fd_mappings(vec![FdMapping { parent_fd: layer.try_clone()?.into(), child_fd: 3 }])
            .map_err(|_| io::Error::other("two inherited files with one number"))?
            .stdin(Stdio::null())
            .output()?;
        if !created.status.success() {
            return Err(io::Error::other(format!(
                "qemu-img could not make a layer: {}",
                String::from_utf8_lossy(&created.stderr).trim()
            )));
        }
        Ok(self.under(layer))
    }

    /// The newest layer.
    pub fn top(&self) -> &Arc<File> {
        &self.layers[0].0
    }

    pub fn layers(&self) -> &[(Arc<File>, Format)] {
        &self.layers
    }
}
