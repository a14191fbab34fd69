//! How long this host waits for a machine, when it says that it is slow.

use std::num::NonZero;
use std::sync::OnceLock;
use std::time::Duration;

static TIMES: OnceLock<NonZero<u32>> = OnceLock::new();

/// From now on everything may take so many times as long as usual. Said once, before there is a machine.
pub fn wait(times: NonZero<u32>) {
    let _ = TIMES.set(times);
}

/// How long that is which usually takes no longer than this, by this host's clock. What a machine promises is not
/// measured so: its own clock tells that.
pub fn patient(limit: Duration) -> Duration {
    limit * TIMES.get().map_or(1, |times| times.get())
}
