//! What makes a machine that goes on from a frozen one a machine of its own: random numbers, the time, and
//! for a fork a machine id. A machine that boots has its id on its disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use record::MachineError;

use crate::qemu::clock::Clock;
use crate::qemu::word;

/// Orders for the resident of a fork.
pub fn orders(clock: Clock) -> Result<Vec<String>, MachineError> {
    let (seed, id) = (random::<32>()?, random::<16>()?);
    let renew = format!("renew {seed} {id} {}", now().as_nanos());
    Ok(match clock {
        Clock::Real => vec![renew, "rest".to_owned()],
        // The clock first: it races ahead whenever the guest waits.
        Clock::Lapse => vec!["hold".to_owned(), renew],
    })
}

/// Tells an initramfs that waits for its disk to go on.
pub fn order_to_boot(clock: Clock, time: Option<Duration>) -> Result<String, MachineError> {
    let hold = match clock {
        Clock::Real => "",
        Clock::Lapse => " hold",
    };
    // It takes whole seconds, and time must not go back.
    let seconds = time.map_or_else(|| now().as_secs(), |time| time.as_secs() + 1);
    Ok(format!("go {seconds} {}{hold}\n", random::<32>()?))
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
    Ok(word(bytes))
}
