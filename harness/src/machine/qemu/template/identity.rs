//! What makes a fork a machine of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::MachineError;
use crate::machine::Machine;
use crate::machine::qemu::vm::Vm;

/// Gives a fork its own random numbers, machine id and time.
///
/// `RNDRESEEDCRNG` (0x5207) makes the kernel use what was just written to its pool at once instead of
/// after up to a minute, in which all forks would draw the same numbers.
pub async fn renew(vm: &Vm) -> Result<(), MachineError> {
    let mut seed = [0; 48];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty()).map_err(|error| {
        MachineError::NotStarted { machine: vm.name().into(), reason: format!("no random numbers: {error}") }
    })?;
    let hex = seed.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (seed, id) = hex.split_at(64);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let command = format!(
        "printf %s {seed} >/dev/urandom && \
         perl -e 'open my $r, q(>), q(/dev/urandom) or die $!; ioctl $r, 0x5207, 0 or die $!' && \
         date --utc --set=@{now:.3} >/dev/null && \
         echo {id} >/etc/machine-id"
    );
    vm.succeed(&command).await.map(drop)
}
