//! Target `omarchy`: an aarch64 machine that runs x86_64 programs through an interpreter on a share.

pub mod binfmt;
pub mod identity;
pub mod openssl;
mod process;
mod programs;
pub mod provision;
pub mod session;
pub mod smartcard;
mod wrapper;

use std::time::Duration;

use harness::machine::{COMMAND_LIMIT, quoted};
use harness::{Edit, Machine, MachineError, Source, Text};

/// A section of the document that describes the target.
fn document(section: &'static str) -> Source {
    Source::new("omarchy-architecture.md", section)
}

/// Whose desktop it is: an ordinary user.
const USER: &str = "user";

/// Has systemd of a running machine take over what its unit files say now.
const DAEMON_RELOAD: Edit = Edit::Run { command: Text::Borrowed("systemctl daemon-reload") };

/// A password that the policy lets the user have.
const COMPLIANT: &str = "Violet+Anchor+38+Pebble";

/// The same shell command, run as the user instead of root, without a seat or a session.
fn as_user(command: &str) -> String {
    run_by_user(&format!("sh -c {}", quoted(command)))
}

/// A command that the user runs. `runuser` would open a session of PAM's first, which nothing here is about and which
/// takes an emulated guest ten times as long.
fn run_by_user(command: &str) -> String {
    format!("setpriv --reuid={USER} --regid={USER} --init-groups {command}")
}

/// A shell command as the user's own session runs it.
fn in_session(command: &str) -> String {
    let shell = quoted(command);
    run_by_user(&format!("env HOME=/home/{USER} XDG_RUNTIME_DIR=/run/user/1000 sh -c {shell}"))
}

/// Waits, as long as this many seconds of the guest's own time, until a command succeeds, and tells whether
/// it did. For what nothing announces: the guest tries again and again.
async fn within(machine: &dyn Machine, seconds: u32, command: &str) -> Result<bool, MachineError> {
    // In a fiftieth of the limit, what is waited for hardly gets older, and asking costs it little.
    let pause = f64::from(seconds) / 50.0;
    let again = format!("until {command} 2>/dev/null; do sleep {pause}; done");
    let bounded = format!("timeout {seconds} sh -c {}", quoted(&again));
    Ok(machine.run_within(&bounded, limit(seconds)).await?.success())
}

/// How long so many seconds of the guest's own time may take. A busy guest's are long ones: it executes a billion
/// instructions in each.
fn limit(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds)) * 40 + COMMAND_LIMIT
}
