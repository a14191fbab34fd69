//! Steps in the orders that their needs leave open.

use harness::machine::Contents;
use harness::provision::{Step, StepFlaw, sequence};
use harness::{Check, Edit, Need, Outcome, Stop, Trial, violated};

use super::{ITS_OWN, decided, no_differences};
use crate::omarchy::document;

pub fn parallel() -> Check {
    Check::must(
        "provision.parallel",
        document("Parallelization Opportunities"),
        "Steps the document calls parallel give the same result in every order.",
        parallel_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Disk])
    .mutant(
        "a step that takes in what a parallel one changes",
        [Edit::step(
            "5.5-password-policy",
            StepFlaw::Runs(
                ". /etc/os-release && echo \"# $PRETTY_NAME\" >>/etc/pam.d/common-password".into(),
            ),
        )],
    )
}

/// What two forks do not have in common.
const IDENTITY: &[&str] = &["/etc/machine-id"];

async fn parallel_holds(trial: &Trial) -> Outcome {
    let steps = trial.plan()?.steps();
    // Of two steps that are parallel, each comes first once.
    let mut back: Vec<&Step> = steps.iter().rev().collect();
    back.sort_by_key(|step| phase(step));
    let (there, back) =
        tokio::try_join!(provisioned(trial, sequence(steps)), provisioned(trial, sequence(back)))?;
    let left_out = [ITS_OWN, IDENTITY].concat();
    no_differences(&back.since(&there, &left_out), "the same machine after the reverse order")
}

/// What a step is parallel with, as far as it does not need it: phases 3 and 4 overlap.
fn phase(step: &Step) -> &str {
    match step.id.split('.').next() {
        Some("4") => "3",
        phase => phase.unwrap_or_default(),
    }
}

/// What is on the disk when these steps were run one after the other.
async fn provisioned(trial: &Trial, steps: Vec<&Step>) -> Result<Contents, Stop> {
    let machine = trial.unprovisioned()?.machine().await?;
    for step in steps {
        if let Err(error) = decided(step.ensure(&*machine).await)? {
            return violated("every step succeeds as soon as its needs are met", error);
        }
    }
    Ok(machine.contents().await?)
}
