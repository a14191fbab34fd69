//! What makes a machine that goes on from a frozen one a machine of its own: random numbers, the time, and
//! for a fork a machine id. A machine that boots has its id on its disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::MachineError;
use crate::machine::qemu::vm::Vm;

/// How long a fork may take to renew its identity.
const LIMIT: Duration = Duration::from_secs(30);

/// Gives a fork its own identity, by what waits for it in every template (`assay-identity.service`).
pub async fn renew(vm: &Vm) -> Result<(), MachineError> {
    let now = now();
    let (seed, id) = (random::<32>()?, random::<16>()?);
    vm.renew_identity(&format!("{seed} {id} {} {}\n", now.as_secs(), now.subsec_nanos()), LIMIT).await
}

/// Tells an initramfs that waits for its disk to go on.
pub fn order_to_boot() -> Result<String, MachineError> {
    Ok(format!("go {} {}\n", now().as_secs(), random::<32>()?))
}

/// Time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Random bytes of the host's, in hexadecimal.
fn random<const LENGTH: usize>() -> Result<String, MachineError> {
    let mut bytes = [0; LENGTH];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).map_err(|error| {
        MachineError::NotStarted { machine: "machine".into(), reason: format!("no random numbers: {error}") }
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
