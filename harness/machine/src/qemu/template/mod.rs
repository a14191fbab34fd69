//! Frozen machines, and their copy-on-write forks.

mod frozen;
mod identity;
mod power_on;

use std::time::{Duration, Instant};

pub use frozen::{Frozen, Own};
pub use power_on::PowerOn;

use futures::future::BoxFuture;
use record::{MachineError, Phase, Start, Transcript};

use super::clock::Clock;
use super::disk::Disk;
use super::vm::{Drive, Vm};
use crate::Machine;

/// How long a fork may take to give its first answer.
const FORK_LIMIT: Duration = Duration::from_secs(30);

/// How long a machine may go on with what it has begun before it is frozen, in time of the guest's.
const QUIET_LIMIT: Duration = Duration::from_secs(5);

/// What that may come to in real time, of an emulated guest on a busy host.
const QUIET_DEADLINE: Duration = Duration::from_secs(300);

/// A frozen, provisioned, running machine: memory, devices, disk and plugged drives.
#[derive(Clone)]
pub struct Template {
    frozen: Frozen,
    disk: Disk,
    drives: Vec<Drive>,
}

impl Template {
    pub fn new(frozen: Frozen, disk: Disk, drives: Vec<Drive>) -> Template {
        Template { frozen, disk, drives }
    }

    /// Freezes a machine that was started to become a template, with the drives that are plugged now.
    pub async fn freeze(vm: Vm, drives: Vec<Drive>) -> Result<Template, MachineError> {
        vm.ask(&format!("quiet {}", QUIET_LIMIT.as_nanos()), QUIET_DEADLINE).await?;
        // Asleep it would be further on by the time it gets its first order, if its idle clock jumps.
        vm.ask("awake", FORK_LIMIT).await?;
        let disk = vm.disk.clone();
        Ok(Template { frozen: Frozen::freeze(vm).await?, disk, drives })
    }

    /// A machine of one's own that goes on where the template was frozen, with an identity, a clock and
    /// random numbers of its own.
    pub async fn fork(&self, name: &str, clock: Clock, transcript: &Transcript) -> Result<Vm, MachineError> {
        renewed(self.thaw(name, clock, transcript).await?, clock, transcript).await
    }

    /// Has something done to a fork, and freezes it then. Its memory is a copy.
    pub async fn after<E: From<MachineError>>(
        &self,
        name: &str,
        transcript: &Transcript,
        doing: impl for<'m> FnOnce(&'m dyn Machine) -> BoxFuture<'m, Result<(), E>> + Send,
    ) -> Result<Template, E> {
        transcript.began(name, Start::Fork);
        let own = self.own(name, Clock::Real, transcript)?;
        let vm = renewed(self.frozen.thaw_for_template(own).await?, Clock::Real, transcript).await?;
        doing(&vm).await?;
        Ok(Template::freeze(vm, self.drives.clone()).await?)
    }

    /// A copy that stands still where the template was frozen, in everything like any other copy.
    pub async fn thaw(&self, name: &str, clock: Clock, transcript: &Transcript) -> Result<Vm, MachineError> {
        transcript.began(name, Start::Fork);
        self.frozen.thaw(self.own(name, clock, transcript)?).await
    }

    fn own(&self, name: &str, clock: Clock, transcript: &Transcript) -> Result<Own, MachineError> {
        let disk = self.disk.fresh_layer().map_err(|error| not_started(name, &error))?;
        let (name, transcript, drives) = (name.to_owned(), transcript.clone(), self.drives.clone());
        Ok(Own { name, transcript, disk, drives, clock, time: None })
    }

    pub fn frozen(&self) -> &Frozen {
        &self.frozen
    }

    /// The disk as it was when the template was frozen.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }
}

/// Lets a copy run with an identity of its own.
async fn renewed(vm: Vm, clock: Clock, transcript: &Transcript) -> Result<Vm, MachineError> {
    let renewing = Instant::now();
    let orders = identity::orders(clock)?;
    for order in &orders {
        vm.order(order).await?;
    }
    vm.resume_with_orders().await?;
    for order in &orders {
        vm.answer(order, FORK_LIMIT).await?;
    }
    transcript.phase(vm.name(), Phase::since(renewing, "its identity is renewed"));
    vm.answers(FORK_LIMIT).await?;
    Ok(vm)
}

fn not_started(name: &str, error: &std::io::Error) -> MachineError {
    MachineError::NotStarted { machine: name.to_owned(), reason: error.to_string() }
}
