//! All that the rollback suite relies on of an appliance.

use std::path::PathBuf;
use std::sync::Arc;

use harness::{Stop, Table, Trial};
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

/// What the target's rebuilds can be relied on for.
pub fn rollback(trial: &Trial) -> Result<Arc<Rollback>, Stop> {
    trial.kept(|settings| settings.read::<Rollback>())
}

impl Table for Rollback {
    const NAME: &'static str = "rollback";

    fn validate(&self) -> Result<(), String> {
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

#[cfg(test)]
mod tests {

    use harness::{Home, Target};
    use rstest::rstest;

    use super::*;
    use crate::settings_with;

    #[test]
    fn what_is_not_said_is_as_documented() {
        let rollback = settings_with::<Rollback>("limit = 60\n[rollback.field]\nflake = 'ref'").unwrap();
        let said = (rollback.limit, rollback.field.flake.as_str());
        let silent = (rollback.period, rollback.field.previous.as_str());
        assert_eq!((said, silent), ((60, "ref"), (120, "previous_system")));
        assert_eq!(rollback.marker.to_str(), Some("/var/lib/msp/.rebuild-in-progress"));
    }

    #[rstest]
    #[case("limit = 0", "t.toml: rollback.limit = 0: it counts seconds, from 1 to a day")]
    #[case("period = 9", "t.toml: rollback.grace = 15: it has to be shorter than the period")]
    #[case("verified = 'flag'", "t.toml: rollback.verified = \"flag\": use a path of the machine, from /")]
    #[case("sequences = 0", "t.toml: rollback.sequences = 0: nothing would be tried")]
    fn what_cannot_be_relied_on_is_refused(#[case] line: &str, #[case] reason: &str) {
        assert_eq!(settings_with::<Rollback>(line).unwrap_err(), reason);
    }

    #[test]
    fn the_target_file_of_the_appliance_says_what_the_defaults_are() {
        let home = Home::find().unwrap();
        let appliance = Target::load(&home.target("appliance"), &home).unwrap();
        assert_eq!(appliance.settings.read::<Rollback>().unwrap(), Rollback::default());
    }
}
