//! Power cuts.

use record::MachineError;

use crate::qemu::{Clock, Vm};

/// What becomes of writes that the disk was given and that were not flushed before the power was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unflushed {
    /// They had reached the disk.
    Kept,
    /// All are lost: of what a disk may do, the worst that keeps the order of writes. Needs a time-lapse machine.
    Lost,
}

impl Vm {
    /// Cuts the power. The disk that is left is that of a machine powered on again.
    pub async fn cut_power(&self, unflushed: Unflushed) -> Result<(), MachineError> {
        let fault = match unflushed {
            Unflushed::Kept => "cut the power",
            Unflushed::Lost => "cut the power and lose what was not flushed",
        };
        self.recorded(fault.to_owned(), async {
            if unflushed == Unflushed::Lost && self.clock() != Clock::Lapse {
                let reason = "only a time-lapse machine keeps a log of its writes";
                return Err(self.refused("lose what was not flushed", reason));
            }
            self.keep_time().await;
            // First, because ending QEMU flushes too.
            let surviving = self.surviving_writes().await?;
            self.quit().await;
            match unflushed {
                Unflushed::Kept => Ok(()),
                Unflushed::Lost => self.lose_writes_after(surviving).await,
            }
        })
        .await
    }
}
