//! A check that a command or a program decides, by the status that it ends with.

use std::sync::Arc;
use std::time::Duration;

use lab::{Drives, booted};
use machine::{Machine, quoted};
use record::{Invariant, Need, Outcome, Output, Status, Stop, violated};

use super::Check;
use crate::Trial;

/// What decides.
pub struct Command {
    pub what: What,
    pub limit: Duration,
}

pub enum What {
    Shell(String),
    /// Brought to the machine under this name.
    Program {
        name: String,
        content: Vec<u8>,
    },
}

/// By convention, of what could not be tried (automake, kola, meson).
const SKIPPED: i32 = 77;

/// What a shell says of a program that cannot be executed, and of one that is not there (POSIX, Shell Command Language,
/// 2.8.2).
const NOT_STARTED: [i32; 2] = [126, 127];

impl What {
    /// What it promises where nobody says.
    pub fn default_statement(&self) -> String {
        match self {
            What::Shell(command) => format!("`{command}` ends well."),
            What::Program { name, .. } => format!("The program `{name}` ends well."),
        }
    }

    fn told(&self) -> &str {
        match self {
            What::Shell(command) => command,
            What::Program { name, .. } => name,
        }
    }
}

impl Command {
    pub fn check(self, invariant: Invariant) -> Check {
        let command = Arc::new(self);
        Check::boxed(invariant, move |trial| {
            let command = command.clone();
            Box::pin(async move { command.decide(trial).await })
        })
    }

    /// A check that needs boots has a machine that was powered on for it, when that has nothing left to start.
    async fn decide(&self, trial: &Trial) -> Outcome {
        let machine = match trial.may(Need::Boot).is_ok() {
            true => {
                let machine = trial.power_on(Drives::Plugged).await?;
                booted(&*machine).await?;
                machine
            }
            false => trial.machine().await?,
        };
        let command = self.brought_to(&*machine).await?;
        self.judge(&machine.run_within(&command, self.limit).await?)
    }

    async fn brought_to(&self, machine: &dyn Machine) -> Result<String, Stop> {
        match &self.what {
            What::Shell(command) => Ok(command.clone()),
            What::Program { name, content } => {
                Ok(quoted(&machine.bring(name, content).await?.to_string_lossy()))
            }
        }
    }

    fn judge(&self, output: &Output) -> Outcome {
        let what = self.what.told();
        match output.status {
            Status::Exit(0) => Ok(()),
            Status::Exit(SKIPPED) => Err(Stop::Skipped(last_line(output, "it gives no reason"))),
            Status::Exit(code) if NOT_STARTED.contains(&code) => {
                let said = last_line(output, "its shell says nothing of it");
                Err(Stop::Broken(format!(
                    "`{what}` or a program in it could not be started ({code}): {said}"
                )))
            }
            Status::Signal(_) => {
                Err(Stop::Broken(format!("`{what}` did not end by itself: {}", output.status)))
            }
            Status::Exit(_) => violated(format!("`{what}` ends well"), output),
        }
    }
}

/// The longest reason that is taken over, in characters.
const REASON: usize = 500;

/// The last that was said, of the output or of errors.
fn last_line(output: &Output, otherwise: &str) -> String {
    let line = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        last.map(|line| line.chars().take(REASON).collect())
    };
    line(&output.stdout).or_else(|| line(&output.stderr)).unwrap_or_else(|| otherwise.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn judged(status: Status, stdout: &str, stderr: &str) -> String {
        let what = What::Shell("systemctl is-active vpn".to_owned());
        let command = Command { what, limit: Duration::from_secs(1) };
        let output = Output { status, stdout: stdout.into(), stderr: stderr.into() };
        match command.judge(&output) {
            Ok(()) => "passed".to_owned(),
            Err(Stop::Violated(found)) => format!("{} -> {}", found.expected, found.observed),
            Err(Stop::Broken(reason)) => format!("broken: {reason}"),
            Err(Stop::Skipped(reason)) => format!("skipped: {reason}"),
        }
    }

    #[rstest]
    #[case::well(Status::Exit(0), "active", "", "passed")]
    #[case::with_a_reason(Status::Exit(77), "looking\nno card\n\n", "", "skipped: no card")]
    #[case::without_a_reason(Status::Exit(77), "", "", "skipped: it gives no reason")]
    #[case::not_there(
        Status::Exit(127),
        "",
        "sh: 1: systemctl: not found",
        "broken: `systemctl is-active vpn` or a program in it could not be started (127): sh: 1: systemctl: not found"
    )]
    #[case::killed(
        Status::Signal(9),
        "",
        "",
        "broken: `systemctl is-active vpn` did not end by itself: killed by signal 9"
    )]
    #[case::badly(
        Status::Exit(3),
        "inactive\n",
        "",
        "`systemctl is-active vpn` ends well -> exit status 3, output \"inactive\""
    )]
    fn the_status_decides(
        #[case] status: Status,
        #[case] stdout: &str,
        #[case] stderr: &str,
        #[case] verdict: &str,
    ) {
        assert_eq!(judged(status, stdout, stderr), verdict);
    }
}
