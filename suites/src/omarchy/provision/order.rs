//! Steps before those they need.

use harness::provision::{ProvisionError, Step, StepFlaw};
use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial, expect, violated};

use super::{ITS_OWN, decided, no_differences};
use crate::omarchy::document;

pub const ORDER: Check = Check {
    invariant: Invariant {
        id: "provision.order",
        level: Level::Must,
        statement: "A step run before one it needs fails with a clear message and leaves the target as it was \
                    (O: blocking dependencies).",
        source: document("Blocking Dependencies"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Boot, Need::Disk],
    run: |trial| Box::pin(order(trial)),
    mutants: &[Mutant {
        name: "a step that does not say what it needs",
        stage: None,
        boots: false,
        edits: &[Edit::Step { id: "6.2-device-broker", flaw: StepFlaw::Forgets("5.4-device-broker-policy") }],
    }],
};

/// What the document has blocked, and by what.
const BLOCKED: [(&str, &str); 3] = [
    ("5.2-x86-64-linker", "3.1-rosetta-binfmt"),
    ("6.2-device-broker", "5.4-device-broker-policy"),
    ("7.2-agent-timer", "6.1-home-manager"),
];

async fn order(trial: &Trial) -> Outcome {
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
