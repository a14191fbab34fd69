//! The wrappers that give the library layer to the vendor's programs (Phase 6, 6.1).

use std::fmt;

use super::settings::Omarchy;
use super::unit;

/// A wrapper, and how its program is run.
#[derive(Debug)]
pub struct Wrapper {
    /// The program's name.
    pub name: &'static str,
    pub file: String,
    /// Whether the program opens windows.
    pub window: bool,
    pub starter: Starter,
}

/// Who starts a wrapper.
#[derive(Debug)]
pub enum Starter {
    /// The user, on their desktop.
    User,
    /// A timer of the user's, by this unit.
    Timer(String),
    /// The session bus, for whoever calls this name.
    SessionBus(&'static str),
    /// The system's service manager, by this unit, as root.
    System(String),
}

/// What the user's broker is on the bus.
pub const USER_BROKER_NAME: &str = "com.microsoft.identity.broker1";

impl Omarchy {
    pub fn wrappers(&self) -> [Wrapper; 4] {
        [self.portal(), self.agent(), self.user_broker(), self.device_broker()]
    }

    fn portal(&self) -> Wrapper {
        Wrapper {
            name: "intune-portal",
            file: self.wrapper.portal.clone(),
            window: true,
            starter: Starter::User,
        }
    }

    pub fn agent(&self) -> Wrapper {
        Wrapper {
            name: "intune-agent",
            file: self.wrapper.agent.clone(),
            window: false,
            starter: Starter::Timer(self.unit.agent.clone()),
        }
    }

    pub fn user_broker(&self) -> Wrapper {
        Wrapper {
            name: "microsoft-identity-broker",
            file: self.wrapper.user_broker.clone(),
            window: true,
            starter: Starter::SessionBus(USER_BROKER_NAME),
        }
    }

    pub fn device_broker(&self) -> Wrapper {
        Wrapper {
            name: "microsoft-identity-device-broker",
            file: self.wrapper.device_broker.clone(),
            window: false,
            starter: Starter::System(self.unit.device_broker.clone()),
        }
    }

    /// What has the device broker's unit run the wrapper (6.2).
    pub fn device_broker_override(&self) -> String {
        unit::file(&format!("{}.d/override.conf", self.unit.device_broker))
    }

    /// The line of every wrapper after which a mutant changes what it has set.
    pub fn source(&self) -> String {
        format!(". {}\n", self.file.environment)
    }
}

/// What OpenSSL of the layer calls itself, before the day of its release.
pub const VERSION: &str = "OpenSSL 3.3.2 ";

impl Wrapper {
    /// The name by which a user starts it.
    pub fn command(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }
}

impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wrapper of {}", self.name)
    }
}
