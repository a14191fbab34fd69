//! The user's session: its buses, its keyring, and the agent that a timer of the user's runs.

mod activation;
mod agent;
pub mod device_broker;
mod home;
mod keyring;
pub mod login;
mod policy;
pub mod timer;

use harness::machine::bus::{Object, Refusal};
use harness::machine::qemu::Peer;
use harness::{Check, Suite};

use super::USER;
pub use activation::activated;

pub const SUITE: Suite = Suite::new("omarchy", "session", |_| Ok(checks()));

fn checks() -> Vec<Check> {
    vec![
        policy::device_broker_policy(),
        policy::policy_reload(),
        device_broker::device_broker_service(),
        activation::user_broker_activation(),
        activation::activated_environment(),
        keyring::keyring_default(),
        keyring::keyring_unlocked(),
        agent::agent_before_unlock(),
        timer::timer_bus_address(),
        timer::agent_schedule(),
        home::no_root_owned_home(),
    ]
}

const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

const SESSION_BUS: &str = "/run/user/1000/bus";

const THE_USER: Peer<'static> = Peer { name: USER, id: 1000 };

/// What every owner of a name answers to.
const fn peer(name: &'static str) -> Object<'static> {
    Object { name, path: "/", interface: "org.freedesktop.DBus.Peer" }
}

const PING: &str = "Ping";

/// What came of a call, for people.
fn told<T>(reply: &Result<T, Refusal>) -> String {
    reply.as_ref().err().map_or_else(|| "it was answered".to_owned(), ToString::to_string)
}
