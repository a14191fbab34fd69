//! The wrappers that give the library layer to the vendor's programs (Phase 6, 6.1).

use std::fmt;

/// A wrapper, and how its program is run.
#[derive(Debug)]
pub struct Wrapper {
    /// The program's name.
    pub name: &'static str,
    pub file: &'static str,
    /// Whether the program opens windows.
    pub window: bool,
    pub starter: Starter,
}

/// Who starts a wrapper.
#[derive(Debug, Clone, Copy)]
pub enum Starter {
    /// The user, on their desktop.
    User,
    /// A timer of the user's, by this unit.
    Timer(&'static str),
    /// The session bus, for whoever calls this name.
    SessionBus(&'static str),
    /// The system's service manager, by this unit, as root.
    System(&'static str),
}

pub const PORTAL: Wrapper = Wrapper {
    name: "intune-portal",
    file: "/usr/local/bin/intune-portal-rosetta",
    window: true,
    starter: Starter::User,
};

pub const AGENT: Wrapper = Wrapper {
    name: "intune-agent",
    file: "/usr/local/bin/intune-agent-rosetta",
    window: false,
    starter: Starter::Timer(AGENT_UNIT),
};

pub const AGENT_UNIT: &str = "intune-agent.service";

pub const USER_BROKER: Wrapper = Wrapper {
    name: "microsoft-identity-broker",
    file: "/usr/local/bin/microsoft-identity-broker-rosetta",
    window: true,
    starter: Starter::SessionBus(USER_BROKER_NAME),
};

/// What it is on the bus.
pub const USER_BROKER_NAME: &str = "com.microsoft.identity.broker1";

pub const DEVICE_BROKER: Wrapper = Wrapper {
    name: "microsoft-identity-device-broker",
    file: "/usr/local/bin/microsoft-identity-device-broker-rosetta",
    window: false,
    starter: Starter::System(DEVICE_BROKER_UNIT),
};

pub const DEVICE_BROKER_UNIT: &str = "microsoft-identity-device-broker.service";

/// What has that unit run the wrapper (6.2).
pub const DEVICE_BROKER_OVERRIDE: &str =
    "/etc/systemd/system/microsoft-identity-device-broker.service.d/override.conf";

pub const WRAPPERS: &[Wrapper] = &[PORTAL, AGENT, USER_BROKER, DEVICE_BROKER];

/// What OpenSSL of the layer calls itself, before the day of its release.
pub const VERSION: &str = "OpenSSL 3.3.2 ";

/// Where the x86_64 system beside the library layer has a newer OpenSSL.
pub const SYSTEM_LIBRARIES: &str = "/opt/x86_64/usr/lib/x86_64-linux-gnu";

/// The line of every wrapper after which a mutant changes what it has set.
pub const SOURCE: &str = ". /usr/local/lib/library-layer/environment\n";

impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wrapper of {}", self.name)
    }
}
