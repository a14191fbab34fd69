//! Programs that the interpreter on the share must execute, not only something that can.

use std::path::Path;

use harness::machine::quoted;
use harness::{Machine, MachineError, Outcome, Status, expect};

use crate::omarchy::settings::Omarchy;

/// A shell function that finds out, and where it lies in the guest.
const INTERPRETED: &str = include_str!("interpreted.sh");
pub const INTERPRETED_FILE: &str = "/var/lib/assay/interpreted.sh";

/// Lays the function on a machine.
pub async fn lay(machine: &dyn Machine) -> Result<(), MachineError> {
    machine.write(Path::new(INTERPRETED_FILE), INTERPRETED.as_bytes(), 0o644).await
}

impl Omarchy {
    /// An x86_64 shell that is static.
    pub fn static_shell(&self) -> String {
        format!("{} sh", self.program.busybox)
    }

    /// The shell command that says this to a program and ends as the program does, or with another status when it is not
    /// the interpreter that executes it.
    pub fn interpreted(&self, words: &str, program: &str) -> String {
        format!("bash {INTERPRETED_FILE} {} {} {program}", self.interpreter(), quoted(words))
    }
}

/// That such a program ends with this status.
pub async fn is_interpreted(
    machine: &dyn Machine,
    omarchy: &Omarchy,
    what: &str,
    words: &str,
    program: &str,
    status: i32,
) -> Outcome {
    lay(machine).await?;
    let ran = machine.run(&omarchy.interpreted(words, program)).await?;
    let (interpreter, status) = (omarchy.interpreter(), Status::Exit(status));
    let expected = format!("{interpreter} executes {what}, which ends with {status}");
    expect(ran.status == status, expected, ran)
}
