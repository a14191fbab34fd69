//! The vendor's broker for the user, which the session bus starts when somebody calls it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use harness::machine::bus::{BUS, Bus};
use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect, violated};

use super::{PING, peer, session_bus, told};
use crate::omarchy::document;
use crate::omarchy::process::nothing_is_missing;
use crate::omarchy::running::Running;
use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::wrapper::USER_BROKER_NAME as NAME;

pub fn user_broker_activation(omarchy: &Omarchy) -> Check {
    // The user's own.
    let service = format!("{}/.local/share/dbus-1/services/{NAME}.service", omarchy.home());
    Check::must(
        "session.user-broker-activation",
        document("D-Bus Activation Chain; Phase 6, 6.3"),
        "Calling com.microsoft.identity.broker1 on the session bus starts the user's own service file, \
         which wins over the system's.",
        user_broker_activation_holds,
    )
    // A call starts the broker, as in use.
    .needs([Need::Sockets])
    .mutant("user file missing", [Edit::remove(service.clone())])
    .mutant("Exec of a missing path", [Edit::replace(service, "-rosetta\n", "-rosetta-of-before\n")])
}

async fn user_broker_activation_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    // The system's file has the program started without its wrapper.
    activated(&machine, &omarchy).await?.has_the_layer_first().await
}

pub fn activated_environment(omarchy: &Omarchy) -> Check {
    let wrapper = &omarchy.wrapper.user_broker;
    let without = |line: String| Edit::replace(wrapper.clone(), line, "");
    Check::must(
        "session.activated-environment",
        document("D-Bus Activation Chain"),
        "The activated broker has XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME, GNOME_KEYRING_CONTROL and the \
         library path.",
        activated_environment_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant(
        "wrapper without XDG_RUNTIME_DIR",
        [Edit::replace(
            wrapper.clone(),
            "export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$UID}\n",
            "unset XDG_RUNTIME_DIR\n",
        )],
    )
    .mutant(
        "wrapper without XDG_CONFIG_HOME",
        [without("export XDG_CONFIG_HOME=${XDG_CONFIG_HOME:-$HOME/.config}\n".into())],
    )
    .mutant("wrapper without HOME", [without(format!("export HOME=${{HOME:-{}}}\n", omarchy.home()))])
    .mutant(
        "wrapper without GNOME_KEYRING_CONTROL",
        [without("export GNOME_KEYRING_CONTROL=$XDG_RUNTIME_DIR/keyring\n".into())],
    )
    .mutant("wrapper without LD_LIBRARY_PATH", [without(omarchy.source())])
}

/// What every session's bus has, and hands on.
fn of_the_session(omarchy: &Omarchy) -> [(&'static str, String); 1] {
    [("XDG_RUNTIME_DIR", omarchy.runtime())]
}

/// What the wrapper sets.
fn of_the_wrapper(omarchy: &Omarchy) -> [(&'static str, String); 3] {
    let (home, runtime) = (omarchy.home(), omarchy.runtime());
    [
        ("XDG_CONFIG_HOME", format!("{home}/.config")),
        ("HOME", home),
        ("GNOME_KEYRING_CONTROL", format!("{runtime}/keyring")),
    ]
}

async fn activated_environment_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let bus = session_bus(&machine, &omarchy).await?;
    // A bus hands on what it was given, and that differs from desktop to desktop: here nothing that a wrapper sets.
    let nothing: HashMap<&str, &str> =
        of_the_wrapper(&omarchy).into_iter().map(|(name, _)| (name, "")).collect();
    let updated: Result<(), _> = bus.call(BUS, "UpdateActivationEnvironment", &nothing).await?;
    expect(updated.is_ok(), "the bus takes another environment", told(&updated))?;

    let broker = called(&machine, &omarchy, &bus).await?;
    let environment = broker.environment().await?;
    let others = others(&omarchy, &environment);
    let expected = "the activated broker has a session's XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME and \
                    GNOME_KEYRING_CONTROL";
    expect(others.is_empty(), expected, others.join(", "))?;
    broker.has_the_layer_first().await
}

/// The variables that are not as they are wanted, and how they should be.
fn others(omarchy: &Omarchy, environment: &BTreeMap<String, String>) -> Vec<String> {
    let wanted = of_the_session(omarchy).into_iter().chain(of_the_wrapper(omarchy));
    let other = |(name, wanted): (&str, String)| match environment.get(name) {
        // As paths: `//` and a `/` at the end change nothing.
        Some(found) if Path::new(found) == Path::new(&wanted) => None,
        Some(found) => Some(format!("{name} is {found:?}, not {wanted}")),
        None => Some(format!("{name} is not set, and {wanted} is wanted")),
    };
    wanted.filter_map(other).collect()
}

/// The broker, which a call has started.
pub async fn activated<'m>(machine: &'m Arc<dyn Machine>, omarchy: &Omarchy) -> Result<Running<'m>, Stop> {
    called(machine, omarchy, &session_bus(machine, omarchy).await?).await
}

/// The broker that a call has started.
pub async fn called<'m>(
    machine: &'m Arc<dyn Machine>,
    omarchy: &Omarchy,
    bus: &Bus,
) -> Result<Running<'m>, Stop> {
    nothing_is_missing(&**machine, omarchy).await?;
    let reply: Result<(), _> = bus.call(peer(NAME), PING, &()).await?;
    expect(reply.is_ok(), format!("a call of {NAME} is answered"), told(&reply))?;
    let Some(owner) = bus.owner(NAME).await? else {
        return violated(format!("the broker that has answered goes on owning {NAME}"), "nobody owns it");
    };
    Ok(Running { wrapper: omarchy.user_broker(), machine: &**machine, id: owner })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Omarchy, others};

    fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_path_may_be_written_in_another_way_but_must_be_the_same() {
        let mut found = environment(&[
            ("XDG_RUNTIME_DIR", "/run/user/1000/"),
            ("XDG_CONFIG_HOME", "/home/user//.config"),
            ("HOME", "/home/user"),
            ("GNOME_KEYRING_CONTROL", "/run/user/1000//keyring"),
        ]);
        let omarchy = Omarchy::default();
        assert_eq!(others(&omarchy, &found), Vec::<String>::new());
        found.insert("HOME".to_owned(), String::new());
        found.remove("XDG_CONFIG_HOME");
        assert_eq!(
            others(&omarchy, &found),
            ["XDG_CONFIG_HOME is not set, and /home/user/.config is wanted", "HOME is \"\", not /home/user"]
        );
    }
}
