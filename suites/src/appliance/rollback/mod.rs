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
mod settings;
mod state;
mod timeout;
mod timer;

use futures::future::BoxFuture;
use harness::machine::programs;
use harness::{Check, Outcome, Settings, SettingsError, Stop, Suite, Trial};
use settings::Rollback;

pub const SUITE: Suite = Suite::new("appliance", "rollback", checks).with_table::<Rollback>();

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    settings.read::<Rollback>()?;
    let checks = vec![
        order::marker_complete(),
        power::test_not_persisted(),
        persisting::persist_when_verified(),
        timeout::rollback_on_timeout(),
        timeout::not_too_early(),
        persisting::verified_after_activation(),
        persisting::verified_means_healthy(),
        timeout::independent_of_agent(),
        order::failed_build(),
        persisting::failed_switch(),
        damage::garbage_marker(),
        damage::previous_missing(),
        order::second_order(),
        clock::clock_step(),
        clock::clock_across_boots(),
        power::power_cut_anywhere(),
        damage::disk_full(),
        interleaving::any_interleaving(),
    ];
    Ok(checks.into_iter().map(|check| check.then(judged)).collect())
}

/// The reference's own programs, for mutants to change.
const AGENT: &str = "/usr/local/libexec/compliance-agent";
const ORDER: &str = "/usr/local/bin/appliance-order";
const REBUILD: &str = "/usr/local/libexec/msp-rebuild";
const WATCHDOG: &str = "/usr/local/libexec/msp-rebuild-watchdog";

/// The flake's own part, for mutants to change what it builds.
const SWITCH: &str = "/srv/msp-flake/generation/bin/switch-to-configuration";

/// What fails where a program was called that the machine does not have is not decided.
fn judged(trial: &Trial, outcome: Outcome) -> BoxFuture<'_, Outcome> {
    Box::pin(async move {
        if matches!(outcome, Err(Stop::Violated(_))) {
            for machine in trial.running() {
                if let Ok(Some(missing)) = programs::missing_for_somebody(&*machine).await {
                    return Err(Stop::Broken(missing.to_string()));
                }
            }
        }
        outcome
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use harness::{Edit, Settings};

    use super::checks;

    /// Found on the machine only, that a mutant does not change what it says would cost a boot each.
    #[test]
    fn every_mutant_finds_once_what_it_replaces() {
        let steps = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/appliance/steps"));
        let steps: Vec<PathBuf> = steps.read_dir().unwrap().map(|step| step.unwrap().path()).collect();
        for mutant in checks(&Settings::default()).unwrap().iter().flat_map(|check| &check.mutants) {
            for edit in &mutant.edits {
                let Edit::Replace { path, from, .. } = edit else { continue };
                let files = steps.iter().map(|step| step.join(path.trim_start_matches('/')));
                let file = files.into_iter().find(|file| file.exists());
                let file = file.unwrap_or_else(|| panic!("no step has {path}"));
                let text = std::fs::read_to_string(file).unwrap();
                assert_eq!(text.matches(&**from).count(), 1, "{}: {from:?} in {path}", mutant.name);
            }
        }
    }
}
