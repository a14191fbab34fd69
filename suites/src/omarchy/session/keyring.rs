//! The user's keyring, which their login unlocks.

use std::collections::HashMap;
use std::sync::Arc;

use harness::lab::{Drives, booted};
use harness::machine::bus::{Bus, Object, Refusal};
use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect, violated};
use serde::Deserialize;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use super::activation::called;
use super::login::{log_in, logged_in};
use super::{session_bus, told};
use crate::omarchy::document;
use crate::omarchy::process::Process;
use crate::omarchy::settings::{Omarchy, omarchy};

/// The collection that a login's password unlocks.
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

const SERVICE: Object<'_> = Object {
    name: "org.freedesktop.secrets",
    path: "/org/freedesktop/secrets",
    interface: "org.freedesktop.Secret.Service",
};

impl Omarchy {
    /// Where the daemon keeps the user's collections.
    pub fn keyrings(&self) -> String {
        format!("{}/.local/share/keyrings", self.home())
    }

    /// Names the collection that secrets go to.
    fn default_keyring(&self) -> String {
        format!("{}/default", self.keyrings())
    }
}

pub fn keyring_default(omarchy: &Omarchy) -> Check {
    let (user, default) = (&omarchy.user, omarchy.default_keyring());
    // What an edit writes is root's.
    let users = Edit::run(format!("chown {user}: {default}"));
    Check::must(
        "session.keyring-default",
        document("Phase 6, 6.4"),
        "`~/.local/share/keyrings/default` is exactly `login`, no newline, owned by the user.",
        keyring_default_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant("newline", [Edit::write(default.clone(), "login\n"), users.clone()])
    .mutant("other name", [Edit::write(default.clone(), "session"), users])
    .mutant("root-owned", [Edit::run(format!("chown root: {default}"))])
}

async fn keyring_default_holds(trial: &Trial) -> Outcome {
    // It gives the user another password.
    trial.is_undone()?;
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let default = omarchy.default_keyring();
    let owner = machine.run(&format!("stat --format=%U {default}")).await?;
    expect(owner.text() == omarchy.user, format!("{default} is the user's"), owner)?;
    let content = machine.run(&format!("head --bytes=100 {default}")).await?;
    let found = content.stdout.escape_ascii();
    expect(content.stdout == b"login", format!("{default} is exactly `login`"), format!("it is `{found}`"))?;

    log_in(&*machine, &omarchy).await?;
    let keyring = Keyring::of(&machine, &omarchy).await?;
    let collection = keyring.default_collection().await?;
    expect(collection == LOGIN, format!("secrets go to {LOGIN}"), collection)
}

pub fn keyring_unlocked(omarchy: &Omarchy) -> Check {
    let (user, keyrings) = (&omarchy.user, omarchy.keyrings());
    Check::must(
        "session.keyring-unlocked",
        document("Race Conditions and Mitigations, 2"),
        "After a PAM login the `login` collection is unlocked: a secret of any bytes and several lines, \
         stored over the Secret Service, comes back, also after the next start of the daemon and of the \
         machine.",
        keyring_unlocked_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Sockets])
    .mutant("pam_gnome_keyring missing", [Edit::run("sed -i /pam_gnome_keyring/d /etc/pam.d/login")])
    .mutant(
        "a keyring in clear text",
        [
            Edit::write(
                // Where the daemon keeps that collection.
                format!("{keyrings}/login.keyring"),
                "[keyring]\ndisplay-name=login\nctime=0\nmtime=0\nlock-on-idle=false\nlock-after=false\n",
            ),
            Edit::run(format!("cd {keyrings} && chown {user}: login.keyring && chmod 600 login.keyring")),
        ],
    )
}

/// A key as programs write it, with lines that a file of settings has too.
const LINES: &[u8] = b"-----BEGIN PRIVATE KEY-----\n[keyring]\nsecret=other\n\n\\n\t\r\n-----END PRIVATE \
                       KEY-----\n";

/// What is no text.
const BYTES: &[u8] = b"\x00\x01\n\x7f\x80\xfe\xff\x00";

async fn keyring_unlocked_holds(trial: &Trial) -> Outcome {
    trial.is_undone()?;
    keeps_without_a_login(trial).await?;
    let (omarchy, machine) = (omarchy(trial)?, logged_in(trial).await?);
    let keyring = Keyring::of(&machine, &omarchy).await?;
    keyring.is_unlocked().await?;
    let broker = called(&machine, &omarchy, &keyring.bus).await.map_err(Stop::undecided)?;
    let broker = Process::known(broker).await?;
    stores(&broker, LINES).await?;
    keyring.store("another", BYTES).await?;
    keyring.has("probe", LINES).await?;
    keyring.has("another", BYTES).await?;

    let machine = trial.reboot(&*machine, Drives::Plugged).await?;
    booted(&*machine).await?;
    log_in(&*machine, &omarchy).await?;
    let keyring = Keyring::of(&machine, &omarchy).await?;
    keyring.is_unlocked().await?;
    keyring.has("probe", LINES).await?;
    keyring.has("another", BYTES).await
}

/// A keyring that no password locks is saved as text, in which not every secret can be written. The login's password
/// would lock it, and have it saved otherwise from then on.
async fn keeps_without_a_login(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let keyring = Keyring::of(&machine, &omarchy).await?;
    if !keyring.opens_unasked().await? {
        return Ok(());
    }
    keyring.store("probe", LINES).await?;
    keyring.store("another", BYTES).await?;
    keyring.end_daemon(&*machine).await?;

    let keyring = Keyring::of(&machine, &omarchy).await?;
    let opens = keyring.opens_unasked().await?;
    expect(
        opens,
        "the collection `login` opens after the daemon's next start as it did before",
        "it does not",
    )?;
    keyring.has("probe", LINES).await?;
    keyring.has("another", BYTES).await
}

/// That a program of x86_64 stores a secret, and reads it back.
async fn stores(process: &Process<'_>, secret: &[u8]) -> Outcome {
    /// The secret in hexadecimal, or why there is none.
    #[derive(Deserialize)]
    struct Stored {
        read: Option<String>,
        refused: Option<String>,
    }
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let Stored { read, refused } = process.ask(&format!("secret {secret}")).await?;
    let program = &process.wrapper;
    expect(
        refused.is_none(),
        format!("{program}: its program stores a secret"),
        refused.unwrap_or_default(),
    )?;
    expect(
        read.as_deref() == Some(&*secret),
        format!("{program}: its program reads {secret} back, in hexadecimal"),
        read.unwrap_or_default(),
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
    async fn of(machine: &Arc<dyn Machine>, omarchy: &Omarchy) -> Result<Keyring, Stop> {
        let bus = session_bus(machine, omarchy).await?;
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

    /// Whether the collection can be unlocked without a question to anybody.
    async fn opens_unasked(&self) -> Result<bool, Stop> {
        let collection = ObjectPath::from_static_str_unchecked(LOGIN);
        let reply = self.bus.call(SERVICE, "Unlock", &(&[collection][..],)).await?;
        let unlocked = reply.map(|(unlocked, _prompt): (Vec<OwnedObjectPath>, OwnedObjectPath)| unlocked);
        Ok(unlocked.is_ok_and(|unlocked| unlocked.iter().any(|one| one.as_str() == LOGIN)))
    }

    /// Ends the daemon, which the bus starts anew for the next call.
    async fn end_daemon(&self, machine: &dyn Machine) -> Outcome {
        let Some(daemon) = self.bus.owner(SERVICE.name).await? else {
            return violated(
                "the Secret Service that has answered goes on",
                format!("nobody owns {}", SERVICE.name),
            );
        };
        let ended = format!(
            "kill {daemon} && timeout 60 tail --sleep-interval=0.1 --pid={daemon} --follow /dev/null"
        );
        let ended = machine.run(&ended).await?;
        expect(ended.success(), "the keyring's daemon ends when it is told to", ended)
    }

    /// Stores a secret as a program of this name.
    async fn store(&self, program: &str, secret: &[u8]) -> Outcome {
        let collection = Object { path: LOGIN, interface: "org.freedesktop.Secret.Collection", ..SERVICE };
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Value::from(program)),
            ("org.freedesktop.Secret.Item.Attributes", Value::from(attributes(program))),
        ]);
        let secret = (&self.session, &[0_u8; 0][..], secret, "application/octet-stream");
        let stored = self.bus.call(collection, "CreateItem", &(properties, secret, true)).await?;
        let (item, prompt): (OwnedObjectPath, OwnedObjectPath) =
            answered("a secret of any bytes can be stored", stored)?;
        expect(item.as_str() != "/", "a secret is stored without a question", format!("{prompt} asks one"))
    }

    /// That the secret of a program of this name is there, and what was stored.
    async fn has(&self, program: &str, secret: &[u8]) -> Outcome {
        let found = self.bus.call(SERVICE, "SearchItems", &(attributes(program),)).await?;
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            answered("secrets can be looked for", found)?;
        let counted = format!("{} and {} locked ones", unlocked.len(), locked.len());
        let one = format!("one secret of {program} is found, not locked");
        expect(unlocked.len() == 1 && locked.is_empty(), one, counted)?;
        let read = self.bus.call(SERVICE, "GetSecrets", &(&unlocked, &self.session)).await?;
        let secrets: HashMap<OwnedObjectPath, Secret> = answered("the secret can be read", read)?;
        let found = secrets.into_values().next().map(|(_, _, found, _)| found).unwrap_or_default();
        let begins = found[..found.len().min(secret.len())].escape_ascii();
        let observed = format!("{} bytes come instead of {}: `{begins}`", found.len(), secret.len());
        expect(found == secret, "the secret comes back as it was stored", observed)
    }
}

/// What a call was answered with, which it must be.
fn answered<T>(expected: &str, reply: Result<T, Refusal>) -> Result<T, Stop> {
    expect(reply.is_ok(), expected, told(&reply))?;
    reply.map_err(|refusal| Stop::Broken(refusal.to_string()))
}

/// By which a secret is found again: the stand-in calls itself `probe`.
fn attributes(program: &str) -> HashMap<&'static str, String> {
    HashMap::from([("program", program.to_owned())])
}
