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
    /// The system's unit that runs it as root. The user runs the others.
    pub unit: Option<&'static str>,
}

pub const PORTAL: Wrapper =
    Wrapper { name: "intune-portal", file: "/usr/local/bin/intune-portal-rosetta", window: true, unit: None };

pub const AGENT: Wrapper =
    Wrapper { name: "intune-agent", file: "/usr/local/bin/intune-agent-rosetta", window: false, unit: None };

pub const USER_BROKER: Wrapper = Wrapper {
    name: "microsoft-identity-broker",
    file: "/usr/local/bin/microsoft-identity-broker-rosetta",
    window: true,
    unit: None,
};

pub const DEVICE_BROKER: Wrapper = Wrapper {
    name: "microsoft-identity-device-broker",
    file: "/usr/local/bin/microsoft-identity-device-broker-rosetta",
    window: false,
    unit: Some(DEVICE_BROKER_UNIT),
};

pub const DEVICE_BROKER_UNIT: &str = "microsoft-identity-device-broker.service";

/// What has that unit run the wrapper (6.2).
pub const DEVICE_BROKER_OVERRIDE: &str =
    "/etc/systemd/system/microsoft-identity-device-broker.service.d/override.conf";

pub const WRAPPERS: &[Wrapper] = &[PORTAL, AGENT, USER_BROKER, DEVICE_BROKER];

/// Where the x86_64 system beside the library layer has a newer OpenSSL.
pub const SYSTEM_LIBRARIES: &str = "/opt/x86_64/usr/lib/x86_64-linux-gnu";

/// The line of every wrapper after which a mutant changes what it has set.
pub const SOURCE: &str = ". /usr/local/lib/library-layer/environment\n";

impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wrapper of {}", self.name)
    }
}
