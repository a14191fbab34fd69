//! Machines on which something was done once for all checks that want it so.

use std::hash::Hash;
use std::sync::Arc;

use futures::future::BoxFuture;
use lab::Drives;
use machine::Machine;
use machine::qemu::Template;
use record::{MachineError, Need, Outcome, Stop, Transcript};

use super::Machines;

/// A machine that was frozen after something was done on it, by commands and files alone: no connection outlives the
/// freezing.
pub struct Prepared<'t> {
    machines: Machines<'t>,
    template: Template,
}

impl<'t> Machines<'t> {
    /// A machine on which this was done after its boot.
    pub async fn after<Q>(
        self,
        deed: Q,
        doing: impl for<'m> FnOnce(&'m dyn Machine) -> BoxFuture<'m, Outcome> + Send,
    ) -> Result<Prepared<'t>, Stop>
    where
        Q: Hash + Eq + Send + 'static,
    {
        self.trial.may(Need::Undo)?;
        let done =
            async move |seen: Transcript| self.stage.template_after(Drives::Plugged, &seen, doing).await;
        self.prepared(deed, done).await
    }

    async fn prepared<Q>(
        self,
        deed: Q,
        done: impl AsyncFnOnce(Transcript) -> Result<Template, Stop>,
    ) -> Result<Prepared<'t>, Stop>
    where
        Q: Hash + Eq + Send + 'static,
    {
        let template = Box::pin(self.stage.memo.shared(deed, &self.trial.transcript, done)).await?;
        Ok(Prepared { machines: self, template })
    }
}

impl<'t> Prepared<'t> {
    /// A machine on which this was done after that. What comes before is part of what the deed's type says.
    pub async fn after<Q>(
        &self,
        deed: Q,
        doing: impl for<'m> FnOnce(&'m dyn Machine) -> BoxFuture<'m, Outcome> + Send,
    ) -> Result<Prepared<'t>, Stop>
    where
        Q: Hash + Eq + Send + 'static,
    {
        let done = async move |seen: Transcript| {
            self.template.after(&self.machines.stage.next_name(), &seen, doing).await
        };
        self.machines.prepared(deed, done).await
    }

    /// A fork of it.
    pub async fn machine(&self) -> Result<Arc<dyn Machine>, MachineError> {
        let Machines { trial, stage, clock } = self.machines;
        Ok(trial.keep(self.template.fork(&stage.next_name(), clock, &trial.transcript).await?))
    }
}
