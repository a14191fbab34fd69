//! What the program does when machines, checks, the cache or the program itself are abused, on real machines.
//!
//! They run with `ASSAY_VM_TESTS=1`, as `just test-abuse` does, and share the user's cache.

mod cache;
mod closure;
mod disk;
mod ending;
mod overlay;
mod own;
mod process;
mod program;
mod readme;
mod secrets;
mod wrong;

/// Ends the test, saying why, unless real machines are wanted.
macro_rules! needs_machines {
    () => {
        if !crate::machines_are_wanted() {
            return;
        }
    };
}
use needs_machines;

fn machines_are_wanted() -> bool {
    use std::io::Write;
    static SAID: std::sync::Once = std::sync::Once::new();

    let wanted = std::env::var_os("ASSAY_VM_TESTS").is_some();
    if !wanted {
        // Past the capture of the test's own output: that a test was skipped must be seen.
        let why =
            "skipped: these tests start virtual machines; `just test-abuse` runs them (ASSAY_VM_TESTS=1)";
        SAID.call_once(|| drop(writeln!(std::io::stderr(), "{why}")));
    }
    wanted
}
