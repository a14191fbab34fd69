//! All that the rollback suite relies on of an appliance.

use std::path::PathBuf;

use serde::Deserialize;

/// What a target file says of two-phase rebuilds. What it does not say is as the document has it
/// (appliance-infrastructure.md, Update System and State Files), or as the reference has it where the document
/// is silent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rollback {
    /// A shell command that gives an order, with the flake reference as its last argument. It fails when the
    /// order is refused.
    pub order: String,
    /// Names of units.
    pub agent: String,
    pub watchdog: String,
    /// There as long as a rebuild is pending.
    pub marker: PathBuf,
    pub field: Fields,
    /// There when the agent has verified the new system.
    pub verified: PathBuf,
    /// How long the agent has to verify, in seconds.
    pub limit: u64,
    /// From one run of the watchdog to the next, in seconds.
    pub period: u64,
    /// What a run of the watchdog itself may take, in seconds of the guest.
    pub grace: u64,
    /// What the watchdog says in the journal, in capitals or not, when a person has to help.
    pub help: String,
    pub flake: Flakes,
    /// How many random sequences `rollback.any-interleaving` tries.
    pub sequences: u32,
}

/// What the fields of the marker are called: names of `NAME=value` lines or of a JSON object. Three lines that are
/// nothing but the fields need no names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// A number since 1970 or ISO 8601.
    pub time: String,
    /// The path of the system to return to.
    pub previous: String,
    pub flake: String,
}

/// References of systems that can be ordered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flakes {
    /// Its agent finds it healthy.
    pub healthy: String,
    /// Its agent starts, and does not find it healthy.
    pub unhealthy: String,
    /// Healthy, and built on the machine when it is ordered.
    pub unbuilt: String,
    /// It cannot be built.
    pub failing: String,
}

impl Default for Rollback {
    fn default() -> Self {
        Rollback {
            order: "appliance-order".into(),
            agent: "compliance-agent.service".into(),
            watchdog: "msp-rebuild-watchdog.service".into(),
            marker: "/var/lib/msp/.rebuild-in-progress".into(),
            field: Fields::default(),
            verified: "/var/lib/msp/.rebuild-verified".into(),
            limit: 600,
            period: 120,
            grace: 15,
            help: "manual intervention".into(),
            flake: Flakes::default(),
            sequences: 3,
        }
    }
}

impl Default for Fields {
    fn default() -> Self {
        Fields { time: "timestamp".into(), previous: "previous_system".into(), flake: "flake_ref".into() }
    }
}

impl Default for Flakes {
    fn default() -> Self {
        let system = |name| format!("/srv/msp-flake#{name}");
        Flakes {
            healthy: system("healthy"),
            unhealthy: system("unhealthy"),
            unbuilt: system("unbuilt"),
            failing: system("failing"),
        }
    }
}

impl Rollback {
    pub(super) fn validate(&self) -> Result<(), String> {
        for (name, path) in [("marker", &self.marker), ("verified", &self.verified)] {
            if !path.is_absolute() {
                return Err(format!("rollback.{name} = {path:?}: use a path of the machine, from /"));
            }
        }
        for (name, seconds) in [("limit", self.limit), ("period", self.period)] {
            if !(1..=86_400).contains(&seconds) {
                return Err(format!("rollback.{name} = {seconds}: it counts seconds, from 1 to a day"));
            }
        }
        if self.grace >= self.period {
            return Err(format!("rollback.grace = {}: it has to be shorter than the period", self.grace));
        }
        if self.sequences == 0 {
            return Err("rollback.sequences = 0: nothing would be tried".into());
        }
        Ok(())
    }
}
