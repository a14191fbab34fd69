//! Programs that the interpreter on the share must execute, not only something that can.

use harness::machine::quoted;
use harness::{Machine, MachineError, Outcome, Status, expect};

use crate::omarchy::settings::Omarchy;

/// A shell function that finds out.
const INTERPRETED: &str = include_str!("interpreted.sh");

/// The file of the function on a machine, which it is brought to.
pub async fn bring(machine: &dyn Machine) -> Result<String, MachineError> {
    let file = machine.bring("interpreted.sh", INTERPRETED.as_bytes()).await?;
    Ok(file.to_string_lossy().into_owned())
}

impl Omarchy {
    /// An x86_64 shell that is static.
    pub fn static_shell(&self) -> String {
        format!("{} sh", self.program.busybox)
    }

    /// The shell command that says this to a program and ends as the program does, or with another status when it is not
    /// the interpreter that executes it. The function is in this file.
    pub fn interpreted(&self, function: &str, words: &str, program: &str) -> String {
        format!("bash {function} {} {} {program}", self.interpreter(), quoted(words))
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
    let function = bring(machine).await?;
    let ran = machine.run(&omarchy.interpreted(&function, words, program)).await?;
    let (interpreter, status) = (omarchy.interpreter(), Status::Exit(status));
    let expected = format!("{interpreter} executes {what}, which ends with {status}");
    expect(ran.status == status, expected, ran)
}
