//! Two-phase rebuilds and the watchdog that settles them.

mod appliance;
mod clock;
mod damage;
mod interleaving;
mod journal;
mod marker;
mod order;
mod persisting;
mod power;
mod state;
mod timeout;
mod timer;

use harness::machine::programs;
use harness::{Outcome, Stop, Suite, Trial};

pub const SUITE: Suite = Suite {
    target: "appliance",
    name: "rollback",
    checks: &[
        order::MARKER_COMPLETE,
        power::TEST_NOT_PERSISTED,
        persisting::PERSIST_WHEN_VERIFIED,
        timeout::ROLLBACK_ON_TIMEOUT,
        timeout::NOT_TOO_EARLY,
        persisting::VERIFIED_AFTER_ACTIVATION,
        persisting::VERIFIED_MEANS_HEALTHY,
        timeout::INDEPENDENT_OF_AGENT,
        order::FAILED_BUILD,
        persisting::FAILED_SWITCH,
        damage::GARBAGE_MARKER,
        damage::PREVIOUS_MISSING,
        order::SECOND_ORDER,
        clock::CLOCK_STEP,
        clock::CLOCK_ACROSS_BOOTS,
        power::POWER_CUT_ANYWHERE,
        damage::DISK_FULL,
        interleaving::ANY_INTERLEAVING,
    ],
};

/// The reference's own programs, for mutants to change.
const AGENT: &str = "/usr/local/libexec/compliance-agent";
const ORDER: &str = "/usr/local/bin/appliance-order";
const REBUILD: &str = "/usr/local/libexec/msp-rebuild";
const WATCHDOG: &str = "/usr/local/libexec/msp-rebuild-watchdog";

/// The flake's own part, for mutants to change what it builds.
const SWITCH: &str = "/srv/msp-flake/generation/bin/switch-to-configuration";

/// Decides a check. What fails where a program was called that the machine does not have is not decided.
async fn judged(trial: &Trial, check: impl Future<Output = Outcome>) -> Outcome {
    let outcome = check.await;
    if matches!(outcome, Err(Stop::Violated(_))) {
        for machine in trial.running() {
            if let Ok(Some(missing)) = programs::missing_for_somebody(&*machine).await {
                return Err(Stop::Broken(missing.to_string()));
            }
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use harness::Edit;

    use super::SUITE;

    /// Found on the machine only, that a mutant does not change what it says would cost a boot each.
    #[test]
    fn every_mutant_finds_once_what_it_replaces() {
        let steps = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/appliance/steps"));
        let steps: Vec<PathBuf> = steps.read_dir().unwrap().map(|step| step.unwrap().path()).collect();
        for mutant in SUITE.checks.iter().flat_map(|check| check.mutants) {
            for edit in mutant.edits {
                let Edit::Replace { path, from, .. } = edit else { continue };
                let files = steps.iter().map(|step| step.join(path.trim_start_matches('/')));
                let file = files.into_iter().find(|file| file.exists());
                let file = file.unwrap_or_else(|| panic!("no step has {path}"));
                let text = std::fs::read_to_string(file).unwrap();
                assert_eq!(text.matches(from).count(), 1, "{}: {from:?} in {path}", mutant.name);
            }
        }
    }
}
