//! The running programs of wrappers, which answer questions about themselves.

use std::path::Path;
use std::time::Duration;

use harness::machine::bus::BUS;
use harness::machine::{COMMAND_LIMIT, programs, quoted};
use harness::{Machine, MachineError, Outcome, Status, Stop, expect, violated};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::limit;
use super::running::{Entry, Running, the_layer_is_first};
use super::settings::Omarchy;
use super::wrapper::{Starter, Wrapper};

/// What a wrapper finds when it is called.
pub struct Caller<'c> {
    pub environment: &'c [(&'c str, &'c str)],
    /// The working directory of what a user starts.
    pub directory: &'c str,
}

/// A program that a wrapper has started.
pub struct Process<'m> {
    pub wrapper: Wrapper,
    machine: &'m dyn Machine,
    /// The shell command that tells its number, or the control group that it is in.
    place: String,
}

/// What the probe says to a question.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply<A> {
    Answer(A),
    /// What the environment should have had.
    Missing(String),
    Failure(String),
}

/// In seconds of the guest: emulated, a program takes one or two to begin.
pub const START_LIMIT: u32 = 60;

/// In seconds of the guest: emulated, the program takes one or two to begin, and several to load what it is asked about.
const ANSWER_LIMIT: u32 = 60;

/// The status of timeout(1) when it has ended the command.
const TIMED_OUT: i32 = 124;

/// The status that says that there is nobody to ask.
const NOBODY: i32 = 3;

/// Puts questions to a process, and where it lies in the guest.
const ASK: &str = include_str!("ask.pl");
const ASK_FILE: &str = "/run/assay-ask.pl";

/// Where this is, the agent stays and answers, as the others do anyway.
const STAYS: &str = "/run/assay-probe-stays";

/// Has the user's service manager let it.
const STAYING: &[u8] = b"[Service]\nTimeoutStartSec=infinity\nRestart=no\n";

/// Starts the programs of all wrappers, each by who starts it in use, in a session that has this environment.
pub async fn start(machine: &dyn Machine, omarchy: &Omarchy, caller: &Caller<'_>) -> Outcome {
    nothing_is_missing(machine, omarchy).await?;
    machine.write(Path::new(ASK_FILE), ASK.as_bytes(), 0o644).await?;
    keep_the_agent(machine, omarchy).await?;
    let settings = caller.environment.iter().map(|(name, value)| quoted(&format!("{name}={value}")));
    let settings = settings.collect::<Vec<_>>().join(" ");
    machine.succeed(&format!("systemctl set-environment {settings}")).await?;
    // As a desktop does that has begun.
    let update = omarchy.in_session(&format!("dbus-update-activation-environment --systemd {settings}"));
    let updated = machine.run(&update).await?;
    expect(updated.success(), "the user's session takes an environment from their desktop", updated)?;
    for wrapper in omarchy.wrappers() {
        let command = starting(omarchy, &wrapper, caller.directory);
        let started = machine.run_within(&command, limit(START_LIMIT)).await?;
        expect(started.success(), format!("{wrapper} starts its program"), started)?;
    }
    Ok(())
}

/// What a wrapper leads to or is interpreted by is for the image to have, not for the wrapper.
pub async fn nothing_is_missing(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    let wrappers = omarchy.wrappers();
    let files: Vec<&str> = wrappers.iter().map(|wrapper| &*wrapper.file).collect();
    match programs::missing(machine, &[], &files).await? {
        Some(missing) => Err(Stop::Broken(missing.to_string())),
        None => Ok(()),
    }
}

/// Has the agent stay, whoever starts it, and ends one that would not.
pub async fn keep_the_agent(machine: &dyn Machine, omarchy: &Omarchy) -> Result<(), MachineError> {
    let file = format!("/run/systemd/user/{}.d/zz-assay-stays.conf", omarchy.unit.agent);
    machine.write(Path::new(STAYS), b"", 0o644).await?;
    machine.write(Path::new(&file), STAYING, 0o644).await?;
    machine.succeed(&omarchy.in_session("systemctl --user daemon-reload")).await.map(drop)
}

/// Those programs.
pub fn processes<'m>(machine: &'m dyn Machine, omarchy: &Omarchy) -> Vec<Process<'m>> {
    let process = |wrapper| Process { place: place(omarchy, &wrapper), wrapper, machine };
    omarchy.wrappers().into_iter().map(process).collect()
}

/// The shell command that has it started, and waits until it has begun.
fn starting(omarchy: &Omarchy, wrapper: &Wrapper, directory: &str) -> String {
    match &wrapper.starter {
        // By its name, from wherever the user has it.
        Starter::User => omarchy.in_session(&format!(
            "systemd-run --user --quiet --service-type=exec --unit={} --working-directory={directory} \
             /bin/bash --login -c 'exec {}'",
            unit_by_user(wrapper),
            wrapper.command()
        )),
        Starter::Timer(unit) => {
            omarchy.in_session(&format!("systemctl --user restart --no-block {unit} && {}", begun(unit)))
        }
        Starter::SessionBus(name) => omarchy.in_session(&format!(
            "busctl --user --timeout={START_LIMIT} call {name} / org.freedesktop.DBus.Peer Ping"
        )),
        Starter::System(unit) => format!("systemctl restart {unit}"),
    }
}

/// Waits until a unit of the user's has begun its program: the start of what runs once ends with it.
pub fn begun(unit: &str) -> String {
    let running = format!(r#"test "$(systemctl --user show -P MainPID {unit})" -gt 0"#);
    format!("timeout {START_LIMIT} sh -c {}", quoted(&format!("until {running}; do sleep 0.2; done")))
}

/// The shell command that tells its number, or the control group that it is in.
fn place(omarchy: &Omarchy, wrapper: &Wrapper) -> String {
    let group = |unit: &str| format!("show -P ControlGroup {unit}");
    match &wrapper.starter {
        Starter::User => omarchy.in_session(&format!("systemctl --user {}", group(&unit_by_user(wrapper)))),
        Starter::Timer(unit) => omarchy.in_session(&format!("systemctl --user {}", group(unit))),
        Starter::SessionBus(name) => omarchy.in_session(&format!(
            "busctl --user call {0} /org/freedesktop/DBus {0} GetConnectionUnixProcessID s {name}",
            BUS.name
        )),
        Starter::System(unit) => format!("systemctl {}", group(unit)),
    }
}

/// What a program that the user starts runs in.
fn unit_by_user(wrapper: &Wrapper) -> String {
    format!("assay-{}.service", wrapper.name)
}

impl<'m> Process<'m> {
    /// One that somebody else has started.
    pub async fn known(running: Running<'m>) -> Result<Process<'m>, MachineError> {
        let Running { wrapper, machine, id } = running;
        Process::at(machine, wrapper, format!("echo {id}")).await
    }

    /// The same, where the one is that starts the wrapper in use.
    pub async fn in_use(
        machine: &'m dyn Machine,
        omarchy: &Omarchy,
        wrapper: Wrapper,
    ) -> Result<Process<'m>, MachineError> {
        let place = place(omarchy, &wrapper);
        Process::at(machine, wrapper, place).await
    }

    async fn at(
        machine: &'m dyn Machine,
        wrapper: Wrapper,
        place: String,
    ) -> Result<Process<'m>, MachineError> {
        machine.write(Path::new(ASK_FILE), ASK.as_bytes(), 0o644).await?;
        Ok(Process { wrapper, machine, place })
    }

    /// Expects of it that the first directory of LD_LIBRARY_PATH with a libcrypto is that of the layer's OpenSSL, as
    /// only its wrapper can have made it.
    pub async fn has_the_layer_first(&self) -> Outcome {
        the_layer_is_first(&self.wrapper, &self.ask::<Vec<Entry>>("search").await?)
    }

    /// Its answer to a question that it must be able to answer.
    pub async fn ask<A: DeserializeOwned>(&self, question: &str) -> Result<A, Stop> {
        let Process { wrapper, place, .. } = self;
        let ask = format!("timeout {ANSWER_LIMIT} perl {ASK_FILE} \"$({place})\" {}", quoted(question));
        // A busy guest's seconds are long ones.
        let limit = Duration::from_secs(u64::from(ANSWER_LIMIT)) * 10 + COMMAND_LIMIT;
        let output = self.machine.run_within(&ask, limit).await?;
        let broken = |why: &str| Err(Stop::Broken(format!("{wrapper}: {question}: {why}")));
        match output.status {
            Status::Exit(0) => {}
            Status::Exit(NOBODY) => {
                let why = String::from_utf8_lossy(&output.stderr);
                return violated(format!("the program of {wrapper} runs and answers"), why.trim());
            }
            Status::Exit(TIMED_OUT) => return broken(&format!("no answer within {ANSWER_LIMIT} s")),
            _ => return broken(&output.to_string()),
        }
        match serde_json::from_str(&output.text()) {
            Ok(Reply::Answer(answer)) => Ok(answer),
            Ok(Reply::Missing(what)) => {
                violated(format!("the program of {wrapper} has the libraries that it asks for"), what)
            }
            Ok(Reply::Failure(failure)) => broken(&failure),
            Err(error) => broken(&format!("{error} in {output}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrapper_is_started_by_who_starts_it_in_use() {
        let omarchy = Omarchy::default();
        let session = "env HOME=/home/user XDG_RUNTIME_DIR=/run/user/1000 ";
        let [portal, agent, user_broker, device_broker] = omarchy.wrappers().map(|wrapper| {
            let commands = [starting(&omarchy, &wrapper, "/"), place(&omarchy, &wrapper)];
            commands.map(|command| command.replace(&omarchy.run_by_user(session), "")).join("\n")
        });
        insta::assert_snapshot!(portal, @r"
        sh -c 'systemd-run --user --quiet --service-type=exec --unit=assay-intune-portal.service --working-directory=/ /bin/bash --login -c '\''exec intune-portal-rosetta'\'''
        sh -c 'systemctl --user show -P ControlGroup assay-intune-portal.service'
        ");
        insta::assert_snapshot!(agent, @r#"
        sh -c 'systemctl --user restart --no-block intune-agent.service && timeout 60 sh -c '\''until test "$(systemctl --user show -P MainPID intune-agent.service)" -gt 0; do sleep 0.2; done'\'''
        sh -c 'systemctl --user show -P ControlGroup intune-agent.service'
        "#);
        insta::assert_snapshot!(user_broker, @r"
        sh -c 'busctl --user --timeout=60 call com.microsoft.identity.broker1 / org.freedesktop.DBus.Peer Ping'
        sh -c 'busctl --user call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus GetConnectionUnixProcessID s com.microsoft.identity.broker1'
        ");
        insta::assert_snapshot!(device_broker, @r"
        systemctl restart microsoft-identity-device-broker.service
        systemctl show -P ControlGroup microsoft-identity-device-broker.service
        ");
    }
}
