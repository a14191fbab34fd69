//! What every command that starts machines begins with.

use std::path::Path;
use std::sync::Arc;

use super::arguments::{Accel, Subject};
use super::failure::Failure;
use crate::cache::Cache;
use crate::event::Listener;
use crate::lab::{self, Changes, Lab};
use crate::machine::qemu::Accelerator;
use crate::{Home, Overlay, Target};

/// A target that was found and read, before anything is started.
pub struct Session {
    pub target: Target,
    overlay: Option<Overlay>,
    accelerator: Option<Accelerator>,
}

impl Session {
    /// Reads all files that the user named.
    pub fn open(subject: &Subject) -> Result<Session, Failure> {
        let home = Home::find().map_err(Failure::usage)?;
        let target = Target::find(&subject.target, &home).map_err(Failure::usage)?;
        let load = |directory: &Path| Overlay::load(directory).map_err(Failure::usage);
        let overlay = subject.overlay.as_deref().map(load).transpose()?;
        let accelerator = match subject.accel {
            Accel::Auto => None,
            Accel::Kvm => Some(Accelerator::Kvm),
            Accel::Tcg => Some(Accelerator::Tcg),
        };
        Ok(Session { target, overlay, accelerator })
    }

    /// Builds, boots and provisions whatever is not in the cache yet.
    pub async fn prepare(&self, listener: &Arc<dyn Listener>) -> Result<Lab, Failure> {
        let cache = Cache::open().map_err(|error| Failure::broken("use the cache", error))?;
        let lab = lab::prepare(&self.target, &cache, self.accelerator, listener);
        let lab = lab.await.map_err(|error| {
            let action = format!("prepare the target {}", self.target.name);
            if error.is_bad_file() { Failure::usage(error) } else { Failure::broken(&action, error) }
        })?;
        let Some(overlay) = &self.overlay else { return Ok(lab) };
        let laid = lab.changed(&Changes::Overlay(overlay)).await;
        laid.map_err(|error| Failure::broken("lay the overlay over the target", error))
    }
}
