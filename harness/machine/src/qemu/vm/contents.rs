//! What is on a machine's disk.

use std::fs::File;
use std::io;

use record::MachineError;

use super::Vm;
use crate::{Contents, Machine};

impl Vm {
    /// Everything on the root disk, with all that was written until now.
    pub async fn contents(&self) -> Result<Contents, MachineError> {
        self.succeed("sync").await?;
        // Standing still it has flushed what it held back, and writes nothing while that is read.
        self.life.during(self.monitor.pause()).await?;
        let image = self.disk_image().await;
        self.resume().await?;
        let image = image?;
        self.off_the_runtime("read what is on its disk", move || Contents::of(image)).await
    }

    /// The whole disk, as a raw image in memory. What the machine has not written yet is not in it.
    pub async fn disk_image(&self) -> Result<File, MachineError> {
        let disk = self.disk.clone();
        self.off_the_runtime("read the whole disk", move || disk.flattened()).await
    }

    /// Does what goes through a whole disk where nothing waits for it.
    pub(super) async fn off_the_runtime<T: Send + 'static>(
        &self,
        action: &str,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, MachineError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(io::Error::other).flatten().map_err(|error| self.refused(action, error))
    }
}
