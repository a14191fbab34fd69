//! The dynamic linker of x86_64 programs.

use harness::{Check, Edit, Outcome, Trial};

use super::interpreted::is_interpreted;
use crate::omarchy::document;
use crate::omarchy::settings::omarchy;

const LINKER: &str = "/lib64/ld-linux-x86-64.so.2";

pub fn dynamic_linker() -> Check {
    Check::must(
        "binfmt.dynamic-linker",
        document("Phase 5, 5.2"),
        "`/lib64/ld-linux-x86-64.so.2` resolves to an x86-64 loader that runs (O: 5.2).",
        dynamic_linker_holds,
    )
    .needs([])
    .mutant("missing", [Edit::remove(LINKER)])
    .mutant(
        "dangling",
        [Edit::run("ln -sfn /nix/store/gone/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2")],
    )
    .mutant(
        "pointing at an aarch64 loader",
        [Edit::run("ln -sfn /lib/ld-linux-aarch64.so.1 /lib64/ld-linux-x86-64.so.2")],
    )
}

async fn dynamic_linker_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let what = format!("{LINKER} with a dynamic program to load");
    let loaded = format!("{LINKER} {}", omarchy.program.shell);
    is_interpreted(&*machine, &omarchy, &what, "exit 42", &loaded, 42).await
}
