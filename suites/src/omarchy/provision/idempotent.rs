//! Every step twice.

use harness::provision::StepFlaw;
use harness::{Check, Edit, Need, Outcome, Trial, violated};

use super::{ITS_OWN, decided, no_differences};
use crate::omarchy::document;

pub fn idempotent() -> Check {
    Check::must(
        "provision.idempotent",
        document("Optimal Build Order"),
        "Running every step twice changes nothing the second time.",
        idempotent_holds,
    )
    .needs([Need::Undo, Need::Disk])
    .mutant(
        "a step that appends",
        [Edit::step(
            "6.4-keyring",
            StepFlaw::Runs("echo 'auth optional pam_gnome_keyring.so' >>/etc/pam.d/login".into()),
        )],
    )
}

async fn idempotent_holds(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    // Whenever it opens its store, Nix sets modes that a boot sets back.
    machine.succeed("nix-store --gc --print-roots").await?;
    let before = machine.contents().await?;
    for step in trial.plan()?.waves().into_iter().flatten() {
        // Not as provisioning would, which passes over what is there already.
        if let Err(error) = decided(step.apply(&*machine).await)? {
            return violated("every step succeeds the second time", error);
        }
    }
    let after = machine.contents().await?;
    no_differences(&after.since(&before, ITS_OWN), "the second time changes nothing on the disk")
}
