//! What `--accel auto` means on this host, remembered.

use std::path::Path;

use image::Image;
use image::cache::{Cache, CacheEvent};
use machine::qemu::{Hardware, Kernel, could_accelerate, kvm_runs};
use record::event::Listener;
use record::{Accelerator, Architecture};

use super::prepare::{PrepareError, failed};
use super::store::{ACCELERATORS, digest, emulator};
use super::timed;

/// Whether there is KVM, for guests of this architecture.
pub fn could_try(architecture: Architecture) -> bool {
    could_accelerate(architecture) && Path::new("/dev/kvm").exists()
}

/// Whether guests run under the KVM that there is, which they do where one was seen to; or why not.
pub async fn accelerator(
    cache: &Cache,
    hardware: &Hardware,
    kernel: &Kernel,
    image: &Image,
    listener: &dyn Listener,
) -> Result<(Accelerator, Option<String>), PrepareError> {
    let host = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let name = digest(&[&host, &emulator(hardware)?, image.digest().to_hex().as_str()]);
    let make = async |directory: &Path| {
        let probing = async { Ok::<_, PrepareError>(kvm_runs(hardware, kernel).await.err()) };
        let what = "see whether guests run under KVM here".to_owned();
        let answer = timed(listener, what, probing).await?.unwrap_or_default();
        let path = directory.join(ANSWER);
        std::fs::write(&path, answer).map_err(|source| failed("remember whether KVM works", source))
    };
    let entry = cache.get_or_make(ACCELERATORS, name, &|_: CacheEvent| {}, make).await?;
    let answer = std::fs::read_to_string(entry.path(ANSWER));
    let reason = answer.map_err(|source| failed("read whether KVM works", source))?;
    Ok(match reason.is_empty() {
        true => (Accelerator::Kvm, None),
        false => (Accelerator::Tcg, Some(reason)),
    })
}

/// Holds why not, or nothing.
const ANSWER: &str = "why-not-kvm";
