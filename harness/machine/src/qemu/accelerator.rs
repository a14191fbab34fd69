//! Whether guests run under KVM here. That /dev/kvm opens says little: on some hosts it makes a processor
//! that a stock kernel dies on. So the target's own kernel is tried.

use std::fs::File;
use std::io;
use std::time::Duration;

use record::{Accelerator, Architecture};

use super::hardware::Hardware;
use super::kernel::Kernel;
use super::template::PowerOn;

/// Accelerated guests load their initramfs in a second or two; on a host that is emulated itself, in less than a minute.
const PROBE_LIMIT: Duration = Duration::from_secs(120);

/// Runs a kernel under KVM as far as its initramfs. `Err` says why emulation is the choice.
pub async fn kvm_runs(hardware: &Hardware, kernel: &Kernel) -> Result<(), String> {
    if !could_accelerate(hardware.architecture) {
        return Err(format!("this host's processor is no {}", hardware.architecture.name()));
    }
    if let Err(error) = File::options().read(true).write(true).open("/dev/kvm") {
        return Err(format!("/dev/kvm cannot be opened: {error}"));
    }
    let hardware = Hardware { accelerator: Accelerator::Kvm, ..hardware.clone() };
    let probe = PowerOn::prepare(hardware, kernel);
    match tokio::time::timeout(PROBE_LIMIT, probe).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the kernel did not load its initramfs within {} s", PROBE_LIMIT.as_secs())),
    }
}

/// Only the host's own architecture can be accelerated.
pub fn could_accelerate(architecture: Architecture) -> bool {
    architecture.name() == std::env::consts::ARCH
}

/// The version of one of QEMU's programs: frozen machines go on only in the emulator that froze them.
pub fn version(program: &str) -> io::Result<String> {
    let output = std::process::Command::new(program).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}
