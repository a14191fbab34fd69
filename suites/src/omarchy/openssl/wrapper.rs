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

pub const PORTAL: &str = "/usr/local/bin/intune-portal-rosetta";
pub const AGENT: &str = "/usr/local/bin/intune-agent-rosetta";
pub const USER_BROKER: &str = "/usr/local/bin/microsoft-identity-broker-rosetta";
pub const DEVICE_BROKER: &str = "/usr/local/bin/microsoft-identity-device-broker-rosetta";

/// The line of every wrapper after which a mutant changes what it has set.
pub const SOURCE: &str = ". /usr/local/lib/library-layer/environment\n";

pub const WRAPPERS: &[Wrapper] = &[
    Wrapper { name: "intune-portal", file: PORTAL, window: true, unit: None },
    Wrapper { name: "intune-agent", file: AGENT, window: false, unit: None },
    Wrapper { name: "microsoft-identity-broker", file: USER_BROKER, window: true, unit: None },
    Wrapper {
        name: "microsoft-identity-device-broker",
        file: DEVICE_BROKER,
        window: false,
        unit: Some("microsoft-identity-device-broker.service"),
    },
];

impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wrapper of {}", self.name)
    }
}
