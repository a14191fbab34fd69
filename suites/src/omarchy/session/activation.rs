//! The vendor's broker for the user, which the session bus starts when somebody calls it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use harness::machine::qemu::Vm;
use harness::machine::qemu::bus::{BUS, Bus};
use harness::{Check, Edit, Invariant, Level, Mutant, Outcome, Stop, Touches, Trial, expect};

use super::{PING, SESSION_BUS, THE_USER, peer, told};
use crate::omarchy::document;
use crate::omarchy::process::Process;
use crate::omarchy::wrapper::{SOURCE, USER_BROKER};

/// What it is on the bus.
const NAME: &str = "com.microsoft.identity.broker1";

/// The user's own service file.
const SERVICE: &str = "/home/user/.local/share/dbus-1/services/com.microsoft.identity.broker1.service";

pub const USER_BROKER_ACTIVATION: Check = Check {
    invariant: Invariant {
        id: "session.user-broker-activation",
        level: Level::Must,
        statement: "Calling com.microsoft.identity.broker1 on the session bus starts the user's own service file, which wins over the system's.",
        source: document("D-Bus Activation Chain; Phase 6, 6.3"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(user_broker_activation(trial)),
    mutants: &[
        Mutant {
            name: "user file missing",
            stage: None,
            boots: false,
            edits: &[Edit::Remove { path: SERVICE }],
        },
        Mutant {
            name: "Exec of a missing path",
            stage: None,
            boots: false,
            edits: &[Edit::Replace { path: SERVICE, from: "-rosetta\n", to: "-rosetta-of-before\n" }],
        },
    ],
};

async fn user_broker_activation(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let bus = machine.bus(SESSION_BUS, THE_USER).await?;
    let broker = called(&machine, &bus).await?;
    // The system's file has the program started without its wrapper.
    broker.has_the_layer(&broker.ask("environment").await?)
}

pub const ACTIVATED_ENVIRONMENT: Check = Check {
    invariant: Invariant {
        id: "session.activated-environment",
        level: Level::Must,
        statement: "The activated broker has XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME, GNOME_KEYRING_CONTROL and the library path.",
        source: document("D-Bus Activation Chain"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(activated_environment(trial)),
    mutants: &[
        Mutant {
            name: "wrapper without XDG_RUNTIME_DIR",
            stage: None,
            boots: false,
            edits: &[without("export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$UID}\n")],
        },
        Mutant {
            name: "wrapper without XDG_CONFIG_HOME",
            stage: None,
            boots: false,
            edits: &[without("export XDG_CONFIG_HOME=${XDG_CONFIG_HOME:-$HOME/.config}\n")],
        },
        Mutant {
            name: "wrapper without HOME",
            stage: None,
            boots: false,
            edits: &[without("export HOME=${HOME:-/home/user}\n")],
        },
        Mutant {
            name: "wrapper without GNOME_KEYRING_CONTROL",
            stage: None,
            boots: false,
            edits: &[without("export GNOME_KEYRING_CONTROL=$XDG_RUNTIME_DIR/keyring\n")],
        },
        Mutant {
            name: "wrapper without LD_LIBRARY_PATH",
            stage: None,
            boots: false,
            edits: &[without(SOURCE)],
        },
    ],
};

/// A wrapper that does not do this.
const fn without(line: &'static str) -> Edit {
    Edit::Replace { path: USER_BROKER.file, from: line, to: "" }
}

const WANTED: [(&str, &str); 4] = [
    ("XDG_RUNTIME_DIR", "/run/user/1000"),
    ("XDG_CONFIG_HOME", "/home/user/.config"),
    ("HOME", "/home/user"),
    ("GNOME_KEYRING_CONTROL", "/run/user/1000/keyring"),
];

async fn activated_environment(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let bus = machine.bus(SESSION_BUS, THE_USER).await?;
    // A bus hands on what it was given, and that differs from desktop to desktop: here nothing of it.
    let nothing: HashMap<&str, &str> = WANTED.iter().map(|(name, _)| (*name, "")).collect();
    let updated: Result<(), _> = bus.call(BUS, "UpdateActivationEnvironment", &nothing).await?;
    expect(updated.is_ok(), "the bus takes another environment", told(&updated))?;

    let broker = called(&machine, &bus).await?;
    let environment: BTreeMap<String, String> = broker.ask("environment").await?;
    for (name, wanted) in WANTED {
        let found = environment.get(name);
        let expected = format!("the activated broker has {name}={wanted}");
        expect(found.is_some_and(|found| found == wanted), expected, format!("{found:?}"))?;
    }
    broker.has_the_layer(&environment)
}

/// The broker that a call has started.
pub async fn called<'m>(machine: &'m Arc<Vm>, bus: &Bus) -> Result<Process<'m>, Stop> {
    let reply: Result<(), _> = bus.call(peer(NAME), PING, &()).await?;
    expect(reply.is_ok(), format!("a call of {NAME} is answered"), told(&reply))?;
    let owner = bus.owner(NAME).await?;
    let owner = owner.ok_or_else(|| Stop::Broken(format!("{NAME} has answered and is gone")))?;
    Ok(Process::known(&**machine, &USER_BROKER, owner).await?)
}
