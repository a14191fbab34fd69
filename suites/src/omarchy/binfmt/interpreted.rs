//! Programs that the interpreter on the share must execute, not only something that can.

use std::path::Path;

use harness::machine::quoted;
use harness::{Machine, MachineError, Outcome, Status, expect};

use super::handler::INTERPRETER;

/// A shell function that finds out, and where it lies in the guest.
const INTERPRETED: &str = include_str!("interpreted.sh");
pub const INTERPRETED_FILE: &str = "/var/lib/assay/interpreted.sh";

/// x86_64 programs that every machine has, each a shell: a static and a dynamic one.
pub const STATIC: &str = "/opt/x86_64/usr/bin/busybox sh";
pub const DYNAMIC: &str = "/opt/x86_64/usr/bin/dash";

/// Lays the function on a machine.
pub async fn lay(machine: &dyn Machine) -> Result<(), MachineError> {
    machine.write(Path::new(INTERPRETED_FILE), INTERPRETED.as_bytes(), 0o644).await
}

/// The shell command that says this to a program and ends as the program does, or with another status when it is not the
/// interpreter that executes it.
pub fn interpreted(words: &str, program: &str) -> String {
    format!("bash {INTERPRETED_FILE} {INTERPRETER} {} {program}", quoted(words))
}

/// That such a program ends with this status.
pub async fn is_interpreted(
    machine: &dyn Machine,
    what: &str,
    words: &str,
    program: &str,
    status: i32,
) -> Outcome {
    lay(machine).await?;
    let ran = machine.run(&interpreted(words, program)).await?;
    let expected = format!("{INTERPRETER} executes {what}, which ends with {}", Status::Exit(status));
    expect(ran.status == Status::Exit(status), expected, ran)
}
