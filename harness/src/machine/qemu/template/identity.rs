//! What makes a fork a machine of its own: random numbers, a machine id, the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::machine::qemu::vm::Vm;
use crate::{Machine, MachineError};

/// How long a fork may take to renew its identity.
const LIMIT: Duration = Duration::from_secs(30);

/// A seed of 256 bits and a machine id of 128.
const SEED_DIGITS: usize = 64;
const RANDOM_BYTES: usize = 48;

/// Gives a fork its own identity, by what waits for it in every template (`assay-identity.service`).
pub async fn renew(vm: &Vm) -> Result<(), MachineError> {
    let mut random = [0; RANDOM_BYTES];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).map_err(|error| {
        MachineError::NotStarted { machine: vm.name().into(), reason: format!("no random numbers: {error}") }
    })?;
    let hex = random.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (seed, id) = hex.split_at(SEED_DIGITS);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    vm.renew_identity(&format!("{seed} {id} {} {}\n", now.as_secs(), now.subsec_nanos()), LIMIT).await
}
