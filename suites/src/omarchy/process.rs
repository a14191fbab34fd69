//! The running programs of wrappers, which answer questions about themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use harness::machine::{COMMAND_LIMIT, quoted};
use harness::{Machine, MachineError, Outcome, Status, Stop, expect};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::wrapper::{WRAPPERS, Wrapper};

/// What a wrapper finds when it is called.
pub struct Caller<'c> {
    pub environment: &'c [(&'c str, &'c str)],
    /// The working directory of what a user starts.
    pub directory: &'c str,
}

impl Caller<'_> {
    /// Its environment, each variable as one word of a shell command.
    fn settings(&self) -> impl Iterator<Item = String> {
        self.environment.iter().map(|(name, value)| quoted(&format!("{name}={value}")))
    }
}

/// A program that a wrapper has started.
pub struct Process<'m> {
    pub wrapper: &'static Wrapper,
    machine: &'m dyn Machine,
    /// Its number, or the control group that it is in.
    place: String,
}

/// What the probe says to a question.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply<A> {
    Answer(A),
    Failure(String),
}

/// In seconds of the guest: emulated, the program takes one or two to begin, and several to load what it is asked about.
const ANSWER_LIMIT: u32 = 60;

/// The status of timeout(1) when it has ended the command.
const TIMED_OUT: i32 = 124;

/// What every wrapper has libraries looked for in first.
const LAYER: &str = "/opt/library-layer/openssl-3.3.2/lib";

/// Puts questions to a process, and where it lies in the guest.
const ASK: &str = include_str!("ask.pl");
const ASK_FILE: &str = "/run/assay-ask.pl";

/// Starts the programs of all wrappers, each as the document has it: by the user, or by its unit.
pub async fn start(machine: &dyn Machine, caller: &Caller<'_>) -> Outcome {
    machine.write(Path::new(ASK_FILE), ASK.as_bytes(), 0o644).await?;
    for wrapper in WRAPPERS {
        let start = match wrapper.unit {
            None => start_by_user(wrapper, caller),
            Some(unit) => start_by_unit(unit, caller),
        };
        let started = machine.run(&start).await?;
        expect(started.success(), format!("{wrapper} starts its program"), started)?;
    }
    Ok(())
}

/// Those programs.
pub fn processes(machine: &dyn Machine) -> Vec<Process<'_>> {
    let process = |wrapper: &'static Wrapper| {
        let unit = wrapper.unit.map_or_else(|| unit_by_user(wrapper), str::to_owned);
        Process { wrapper, machine, place: format!("/sys/fs/cgroup/system.slice/{unit}") }
    };
    WRAPPERS.iter().map(process).collect()
}

/// The shell command that does it. Told to serve, the agent stays, as the others do anyway.
fn start_by_user(wrapper: &Wrapper, caller: &Caller<'_>) -> String {
    let (unit, file) = (unit_by_user(wrapper), wrapper.file);
    let directory = caller.directory;
    let environment: String = caller.settings().map(|setting| format!("--setenv={setting} ")).collect();
    format!(
        "systemd-run --quiet --uid=user --service-type=exec --unit={unit} --working-directory={directory} \
         {environment} {file} serve"
    )
}

/// The same for a unit: its caller is the service manager, and the directory is the unit's to say.
fn start_by_unit(unit: &str, caller: &Caller<'_>) -> String {
    let environment: Vec<String> = caller.settings().collect();
    format!("systemctl set-environment {} && systemctl restart {unit}", environment.join(" "))
}

/// What a program that the user starts runs in.
fn unit_by_user(wrapper: &Wrapper) -> String {
    format!("assay-{}.service", wrapper.name)
}

impl<'m> Process<'m> {
    /// The program of a wrapper that somebody else has started.
    pub async fn known(
        machine: &'m dyn Machine,
        wrapper: &'static Wrapper,
        id: u32,
    ) -> Result<Process<'m>, MachineError> {
        machine.write(Path::new(ASK_FILE), ASK.as_bytes(), 0o644).await?;
        Ok(Process { wrapper, machine, place: id.to_string() })
    }

    /// Expects of its environment that the wrapper has given it the library layer.
    pub fn has_the_layer(&self, environment: &BTreeMap<String, String>) -> Outcome {
        let path = environment.get("LD_LIBRARY_PATH").map_or("", String::as_str);
        let first = path.split(':').next() == Some(LAYER);
        expect(
            first,
            format!("{} was started through it: LD_LIBRARY_PATH begins with {LAYER}", self.wrapper),
            path,
        )
    }

    /// Its answer to a question that it must be able to answer.
    pub async fn ask<A: DeserializeOwned>(&self, question: &str) -> Result<A, Stop> {
        let ask = format!("timeout {ANSWER_LIMIT} perl {ASK_FILE} {} {}", self.place, quoted(question));
        // A busy guest's seconds are long ones.
        let limit = Duration::from_secs(u64::from(ANSWER_LIMIT)) * 10 + COMMAND_LIMIT;
        let output = self.machine.run_within(&ask, limit).await?;
        let wrapper = self.wrapper;
        if output.status == Status::Exit(TIMED_OUT) {
            let reason = format!("{wrapper}: {question}: no answer within {ANSWER_LIMIT} s");
            return Err(Stop::Broken(reason));
        }
        expect(output.success(), format!("the program of {wrapper} runs and answers"), &output)?;
        match serde_json::from_str(&output.text()) {
            Ok(Reply::Answer(answer)) => Ok(answer),
            Ok(Reply::Failure(failure)) => Err(Stop::Broken(format!("{wrapper}: {question}: {failure}"))),
            Err(error) => Err(Stop::Broken(format!("{wrapper}: {question}: {error} in {output}"))),
        }
    }
}
