//! The user's keyring, which their login unlocks.

use std::collections::HashMap;
use std::sync::Arc;

use harness::lab::{Drives, booted};
use harness::machine::qemu::Vm;
use harness::machine::qemu::bus::{Bus, Object, Refusal};
use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Stop, Touches, Trial, expect};
use serde::Deserialize;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::activation::called;
use super::login::{log_in, logged_in};
use super::{SESSION_BUS, THE_USER, told};
use crate::omarchy::document;
use crate::omarchy::process::Process;

/// Names the collection that secrets go to.
const DEFAULT: &str = "/home/user/.local/share/keyrings/default";

/// The collection that a login's password unlocks.
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

const SERVICE: Object<'_> = Object {
    name: "org.freedesktop.secrets",
    path: "/org/freedesktop/secrets",
    interface: "org.freedesktop.Secret.Service",
};

pub const KEYRING_DEFAULT: Check = Check {
    invariant: Invariant {
        id: "session.keyring-default",
        level: Level::Must,
        statement: "`~/.local/share/keyrings/default` is exactly `login`, no newline, owned by the user.",
        source: document("Phase 6, 6.4"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(keyring_default(trial)),
    mutants: &[
        Mutant {
            name: "newline",
            stage: None,
            boots: false,
            edits: &[Edit::Write { path: DEFAULT, content: "login\n" }, USERS],
        },
        Mutant {
            name: "other name",
            stage: None,
            boots: false,
            edits: &[Edit::Write { path: DEFAULT, content: "session" }, USERS],
        },
        Mutant {
            name: "root-owned",
            stage: None,
            boots: false,
            edits: &[Edit::Run { command: "chown root: /home/user/.local/share/keyrings/default" }],
        },
    ],
};

/// What an edit writes is root's.
const USERS: Edit = Edit::Run { command: "chown user: /home/user/.local/share/keyrings/default" };

async fn keyring_default(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let told = machine.run(&format!("stat --format=%U {DEFAULT} && od -An -c {DEFAULT}")).await?;
    let expected = format!("{DEFAULT} is the user's, and the five letters of `login`");
    expect(told.text() == "user\n   l   o   g   i   n", expected, told)?;

    log_in(&*machine).await?;
    let keyring = Keyring::of(&machine).await?;
    let collection = keyring.default_collection().await?;
    expect(collection == LOGIN, format!("secrets go to {LOGIN}"), collection)
}

pub const KEYRING_UNLOCKED: Check = Check {
    invariant: Invariant {
        id: "session.keyring-unlocked",
        level: Level::Must,
        statement: "After a PAM login the `login` collection is unlocked: a secret stored over the Secret Service comes back, also after a reboot.",
        source: document("Race Conditions and Mitigations, 2"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(keyring_unlocked(trial)),
    mutants: &[Mutant {
        name: "pam_gnome_keyring missing",
        stage: None,
        boots: false,
        edits: &[Edit::Run { command: "sed -i /pam_gnome_keyring/d /etc/pam.d/login" }],
    }],
};

const SECRET: &str = "a refresh token";

async fn keyring_unlocked(trial: &Trial) -> Outcome {
    let machine = logged_in(trial).await?;
    let keyring = Keyring::of(&machine).await?;
    keyring.is_unlocked().await?;
    let broker = called(&machine, &keyring.bus).await.map_err(Stop::undecided)?;
    stores(&broker, SECRET).await?;
    keyring.has(SECRET).await?;

    let machine = trial.reboot(&machine, Drives::Plugged).await?;
    booted(&machine).await?;
    log_in(&*machine).await?;
    let keyring = Keyring::of(&machine).await?;
    keyring.is_unlocked().await?;
    keyring.has(SECRET).await
}

/// That a program of x86_64 stores a secret, and reads it back.
async fn stores(process: &Process<'_>, secret: &str) -> Outcome {
    #[derive(Deserialize)]
    struct Stored {
        read: Option<String>,
        refused: Option<String>,
    }
    let Stored { read, refused } = process.ask(&format!("secret {secret}")).await?;
    let program = process.wrapper;
    expect(
        refused.is_none(),
        format!("{program}: its program stores a secret"),
        refused.unwrap_or_default(),
    )?;
    expect(
        read.as_deref() == Some(secret),
        format!("{program}: its program reads {secret:?} back"),
        format!("{read:?}"),
    )
}

/// The user's Secret Service.
struct Keyring {
    bus: Bus,
    session: OwnedObjectPath,
}

/// A secret as it goes over the bus: of which session, its parameters, itself, its type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

impl Keyring {
    async fn of(machine: &Arc<Vm>) -> Result<Keyring, Stop> {
        let bus = machine.bus(SESSION_BUS, THE_USER).await?;
        let opened = bus.call(SERVICE, "OpenSession", &("plain", Value::from(""))).await?;
        let (_, session): (OwnedValue, _) = answered("the Secret Service opens a session", opened)?;
        Ok(Keyring { bus, session })
    }

    async fn default_collection(&self) -> Result<String, Stop> {
        let alias = self.bus.call(SERVICE, "ReadAlias", &"default").await?;
        answered("the Secret Service knows where secrets go", alias)
            .map(|path: OwnedObjectPath| path.to_string())
    }

    async fn is_unlocked(&self) -> Outcome {
        let properties = Object { path: LOGIN, interface: "org.freedesktop.DBus.Properties", ..SERVICE };
        let locked =
            self.bus.call(properties, "Get", &("org.freedesktop.Secret.Collection", "Locked")).await?;
        let locked: OwnedValue = answered("there is a collection `login`", locked)?;
        let unlocked = bool::try_from(locked).is_ok_and(|locked| !locked);
        expect(unlocked, "a password login unlocks the collection `login`", "it is locked")
    }

    async fn has(&self, secret: &str) -> Outcome {
        let found = self.bus.call(SERVICE, "SearchItems", &(attributes(),)).await?;
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            answered("secrets can be looked for", found)?;
        let counted = format!("{} and {} locked ones", unlocked.len(), locked.len());
        expect(unlocked.len() == 1 && locked.is_empty(), "one secret is found, not locked", counted)?;
        let read = self.bus.call(SERVICE, "GetSecrets", &(&unlocked, &self.session)).await?;
        let secrets: HashMap<OwnedObjectPath, Secret> = answered("the secret can be read", read)?;
        let same = secrets.values().any(|(_, _, found, _)| found == secret.as_bytes());
        expect(same, "the secret comes back as it was stored", "another one comes")
    }
}

/// What a call was answered with, which it must be.
fn answered<T>(expected: &str, reply: Result<T, Refusal>) -> Result<T, Stop> {
    expect(reply.is_ok(), expected, told(&reply))?;
    reply.map_err(|refusal| Stop::Broken(refusal.to_string()))
}

/// By which it is found again, as the program has it.
fn attributes() -> HashMap<&'static str, &'static str> {
    HashMap::from([("program", "probe")])
}
