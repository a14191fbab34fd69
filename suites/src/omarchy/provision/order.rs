//! Steps before those they need.

use harness::provision::{ProvisionError, Step, StepFlaw};
use harness::{Check, Edit, Need, Outcome, Trial, expect, violated};

use super::{ITS_OWN, decided, no_differences};
use crate::omarchy::document;

pub fn order() -> Check {
    Check::must(
        "provision.order",
        document("Blocking Dependencies"),
        "A step run before one it needs fails with a clear message and leaves the target as it was \
                    (O: blocking dependencies).",
        order_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Disk])
    .mutant(
        "a step that does not say what it needs",
        [Edit::step("6.2-device-broker", StepFlaw::Forgets("5.4-device-broker-policy".into()))],
    )
}

/// What the document has blocked, and by what.
const BLOCKED: [(&str, &str); 3] = [
    ("5.2-x86-64-linker", "3.1-rosetta-binfmt"),
    ("6.2-device-broker", "5.4-device-broker-policy"),
    ("7.2-agent-timer", "6.1-home-manager"),
];

async fn order_holds(trial: &Trial) -> Outcome {
    let (plan, machine) = (trial.plan()?, trial.unprovisioned()?.machine().await?);
    let before = machine.contents().await?;
    for step in plan.steps().iter().filter(|step| is_blocked(step)) {
        let expected = format!("{} is refused, and told what is missing", step.id);
        match decided(plan.run(&step.id, &*machine).await)? {
            Err(ProvisionError::TooEarly { missing, .. }) => {
                let untold =
                    BLOCKED.iter().find(|(id, by)| step.id == *id && !missing.iter().any(|id| id == by));
                let missing = missing.join(", ");
                expect(untold.is_none(), expected, format!("it is told to provision {missing} first"))?;
            }
            Err(error) => return violated(expected, error),
            Ok(_) => return violated(expected, "it was done"),
        }
    }
    let after = machine.contents().await?;
    no_differences(&after.since(&before, ITS_OWN), "steps that are refused change nothing on the disk")
}

fn is_blocked(step: &Step) -> bool {
    !step.needs.is_empty() || BLOCKED.iter().any(|(id, _)| step.id == *id)
}
