//! The dynamic linker of x86_64 programs.

use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial};

use super::interpreted::{DYNAMIC, is_interpreted};
use crate::omarchy::document;

const LINKER: &str = "/lib64/ld-linux-x86-64.so.2";

pub const DYNAMIC_LINKER: Check = Check {
    invariant: Invariant {
        id: "binfmt.dynamic-linker",
        level: Level::Must,
        statement: "`/lib64/ld-linux-x86-64.so.2` resolves to an x86-64 loader that runs (O: 5.2).",
        source: document("Phase 5, 5.2"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(dynamic_linker(trial)),
    mutants: &[
        Mutant { name: "missing", stage: None, boots: false, edits: &[Edit::Remove { path: LINKER }] },
        Mutant {
            name: "dangling",
            stage: None,
            boots: false,
            edits: &[Edit::Run {
                command: "ln -sfn /nix/store/gone/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2",
            }],
        },
        Mutant {
            name: "pointing at an aarch64 loader",
            stage: None,
            boots: false,
            edits: &[Edit::Run { command: "ln -sfn /lib/ld-linux-aarch64.so.1 /lib64/ld-linux-x86-64.so.2" }],
        },
    ],
};

async fn dynamic_linker(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let what = format!("{LINKER} with a dynamic program to load");
    is_interpreted(&*machine, &what, "exit 42", &format!("{LINKER} {DYNAMIC}"), 42).await
}
