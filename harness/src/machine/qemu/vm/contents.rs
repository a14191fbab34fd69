//! What is on a running machine's disk.

use super::Vm;
use crate::MachineError;
use crate::machine::{Contents, Machine};

impl Vm {
    /// Everything on the root disk, with all that was written until now.
    pub async fn contents(&self) -> Result<Contents, MachineError> {
        self.succeed("sync").await?;
        let refused = |error: &dyn std::fmt::Display| self.refused("read what is on its disk", error);
        // Standing still it has flushed what it held back, and writes nothing while that is read.
        self.life.during(self.monitor.pause()).await?;
        let disk = self.disk.clone();
        let image = tokio::task::spawn_blocking(move || disk.flattened()).await;
        self.resume().await?;
        let image = image.map_err(|error| refused(&error))?.map_err(|error| refused(&error))?;
        let contents = tokio::task::spawn_blocking(move || Contents::of(image)).await;
        contents.map_err(|error| refused(&error))?.map_err(|error| refused(&error))
    }
}
