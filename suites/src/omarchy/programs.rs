//! Machines on which the programs of all wrappers run.

use std::sync::Arc;

use harness::{Machine, Outcome, Prepared, Stop, Trial};

use super::process::{Caller, start};
use super::settings::{Omarchy, omarchy};

#[derive(PartialEq, Eq, Hash)]
struct Programs;

/// Machines on which a caller has started them from whose environment and directory wrappers must take nothing over.
pub async fn programs(trial: &Trial) -> Result<Prepared<'_>, Stop> {
    let omarchy = omarchy(trial)?;
    trial.after(Programs, |machine| Box::pin(called(machine, omarchy))).await
}

/// A desktop has its programs draw otherwise, and a libcrypto may lie anywhere.
async fn called(machine: &dyn Machine, omarchy: Arc<Omarchy>) -> Outcome {
    let environment = &[("GDK_BACKEND", "wayland,x11,*")];
    start(machine, &omarchy, &Caller { environment, directory: &omarchy.library.system }).await
}

/// One of them.
pub async fn with_programs(trial: &Trial) -> Result<Arc<dyn Machine>, Stop> {
    Ok(programs(trial).await?.machine().await?)
}
