//! The user's session: its buses, its keyring, and the agent that a timer of the user's runs.

mod activation;
mod agent;
pub mod device_broker;
mod home;
mod keyring;
pub mod login;
mod policy;
pub mod timer;

use std::sync::Arc;

use harness::machine::bus::{Bus, Object, Refusal};
use harness::{Check, Machine, MachineError, Settings, SettingsError, Suite};

use super::settings::Omarchy;
use super::user::with_user;
pub use activation::activated;

pub const SUITE: Suite = Suite::new("omarchy", "session", checks).with_table::<Omarchy>();

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    let omarchy = settings.read::<Omarchy>()?;
    Ok(with_user(vec![
        policy::device_broker_policy(&omarchy),
        policy::policy_reload(&omarchy),
        device_broker::device_broker_service(&omarchy),
        activation::user_broker_activation(&omarchy),
        activation::activated_environment(&omarchy),
        keyring::keyring_default(&omarchy),
        keyring::keyring_unlocked(&omarchy),
        agent::agent_before_unlock(&omarchy),
        timer::timer_bus_address(&omarchy),
        timer::agent_schedule(&omarchy),
        home::no_root_owned_home(&omarchy),
    ]))
}

const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// The bus of the user's session, as they reach it.
async fn session_bus(machine: &Arc<dyn Machine>, omarchy: &Omarchy) -> Result<Bus, MachineError> {
    Bus::connect(machine, &omarchy.session_bus(), omarchy.peer()).await
}

/// What every owner of a name answers to.
const fn peer(name: &'static str) -> Object<'static> {
    Object { name, path: "/", interface: "org.freedesktop.DBus.Peer" }
}

const PING: &str = "Ping";

/// What came of a call, for people.
fn told<T>(reply: &Result<T, Refusal>) -> String {
    reply.as_ref().err().map_or_else(|| "it was answered".to_owned(), ToString::to_string)
}
