//! Whose the user's files are.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use crate::omarchy::document;

pub const NO_ROOT_OWNED_HOME: Check = Check {
    invariant: Invariant {
        id: "session.no-root-owned-home",
        level: Level::Must,
        statement: "After provisioning nothing below the user's home is owned by root (O: race 4).",
        source: document("Race Conditions and Mitigations, 4"),
        variant: None,
    },
    touches: Touches::Nothing,
    run: |trial| Box::pin(no_root_owned_home(trial)),
    mutants: &[Mutant {
        name: "one step run as root",
        stage: None,
        boots: false,
        edits: &[Edit::Run {
            command: "cd /home/user/.local/share/keyrings && printf login >new && mv new default",
        }],
    }],
};

async fn no_root_owned_home(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let found = machine.run("find /home/user -user root").await?;
    expect(found.success() && found.text().is_empty(), "root owns nothing below /home/user", found)
}
