//! Machines on which something was done once for all checks that want it so.

use std::hash::Hash;
use std::sync::Arc;

use futures::future::BoxFuture;
use lab::Drives;
use machine::Machine;
use machine::qemu::Template;
use record::{MachineError, Need, Outcome, Stop, Transcript};

use super::{Machines, Trial};

/// A machine after something was done on it, by commands and files alone: no connection outlives the freezing.
pub struct Prepared<'t>(Place<'t>);

enum Place<'t> {
    /// It was frozen then, and is forked.
    Frozen(Machines<'t>, Template),
    /// It is not forked: there is one.
    Here(Arc<dyn Machine>),
}

impl Trial {
    /// A machine on which this was done after its boot. What is forked has it done once, for all checks that want it so.
    pub async fn after<Q>(
        &self,
        deed: Q,
        doing: impl for<'m> FnOnce(&'m dyn Machine) -> BoxFuture<'m, Outcome> + Send,
    ) -> Result<Prepared<'_>, Stop>
    where
        Q: Hash + Eq + Send + 'static,
    {
        self.may(Need::Undo)?;
        if self.is_elsewhere() || self.lab.containers()?.is_some() {
            self.is_undone()?;
            let machine = self.machine().await?;
            doing(&*machine).await?;
            return Ok(Prepared(Place::Here(machine)));
        }
        let machines = self.subject()?;
        let done =
            async move |seen: Transcript| machines.stage.template_after(Drives::Plugged, &seen, doing).await;
        machines.prepared(deed, done).await
    }

    /// That what the check does to its machine does not stay: skipped where it is somebody's own and nothing undoes that.
    pub fn is_undone(&self) -> Outcome {
        match self.lab.remote() {
            Some(remote) if !remote.restores() => Err(Stop::Skipped(format!(
                "nothing undoes what it does to {}: say what does with `restore` in [machine.ssh]",
                self.target()
            ))),
            _ => Ok(()),
        }
    }
}

impl<'t> Machines<'t> {
    async fn prepared<Q>(
        self,
        deed: Q,
        done: impl AsyncFnOnce(Transcript) -> Result<Template, Stop>,
    ) -> Result<Prepared<'t>, Stop>
    where
        Q: Hash + Eq + Send + 'static,
    {
        let template = Box::pin(self.stage.memo.shared(deed, &self.trial.transcript, done)).await?;
        Ok(Prepared(Place::Frozen(self, template)))
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
        match &self.0 {
            Place::Here(machine) => {
                doing(&**machine).await?;
                Ok(Prepared(Place::Here(machine.clone())))
            }
            Place::Frozen(machines, template) => {
                let done = async move |seen: Transcript| {
                    template.after(&machines.stage.next_name(), &seen, doing).await
                };
                machines.prepared(deed, done).await
            }
        }
    }

    /// A fork of it, or the one that there is.
    pub async fn machine(&self) -> Result<Arc<dyn Machine>, MachineError> {
        match &self.0 {
            Place::Here(machine) => Ok(machine.clone()),
            Place::Frozen(Machines { trial, stage, clock }, template) => {
                Ok(trial.keep(template.fork(&stage.next_name(), *clock, &trial.transcript).await?))
            }
        }
    }
}
