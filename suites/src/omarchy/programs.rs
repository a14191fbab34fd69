//! Machines on which the programs of all wrappers run.

use std::sync::Arc;

use harness::{Machine, Prepared, Stop, Trial};

use super::process::{Caller, start};
use super::wrapper::SYSTEM_LIBRARIES;

/// A caller from whose environment and directory wrappers must take nothing over: a desktop has its programs draw
/// otherwise, and a libcrypto may lie anywhere.
const CALLER: Caller<'static> =
    Caller { environment: &[("GDK_BACKEND", "wayland,x11,*")], directory: SYSTEM_LIBRARIES };

#[derive(PartialEq, Eq, Hash)]
struct Programs;

/// Machines on which that caller has started them.
pub async fn programs(trial: &Trial) -> Result<Prepared<'_>, Stop> {
    trial.subject()?.after(Programs, |machine| Box::pin(start(machine, &CALLER))).await
}

/// One of them.
pub async fn with_programs(trial: &Trial) -> Result<Arc<dyn Machine>, Stop> {
    Ok(programs(trial).await?.machine().await?)
}
