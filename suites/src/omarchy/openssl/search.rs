//! Where the wrappers have libraries looked for.

use harness::{Check, Need, Outcome, Trial};

use super::version::has_one_openssl;
use crate::omarchy::document;
use crate::omarchy::process::{Caller, processes, start};
use crate::omarchy::programs::with_programs;
use crate::omarchy::settings::{Omarchy, Wrappers, omarchy};

pub fn first_in_path(omarchy: &Omarchy) -> Check {
    let Wrappers { portal, agent, user_broker, .. } = &omarchy.wrapper;
    Check::must(
        "openssl.first-in-path",
        document("Intune Component Dependencies"),
        "In every wrapper (portal, agent, user broker, device broker), the first directory of \
         LD_LIBRARY_PATH that has a libcrypto is OpenSSL 3.3.2's.",
        first_in_path_holds,
    )
    .needs([Need::Undo])
    .mutant("3.3.2 second", [omarchy.system_first(user_broker)])
    .mutant("3.3.2 absent", [omarchy.wrapper_then(agent, "LD_LIBRARY_PATH=${LD_LIBRARY_PATH#*:}")])
    .mutant(
        "an empty first entry with a libcrypto in the working directory",
        [omarchy.wrapper_then(portal, "LD_LIBRARY_PATH=:$LD_LIBRARY_PATH")],
    )
}

async fn first_in_path_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_programs(trial).await?);
    for process in processes(&*machine, &omarchy) {
        process.has_the_layer_first().await?;
    }
    Ok(())
}

pub fn not_displaced(omarchy: &Omarchy) -> Check {
    let Wrappers { user_broker, device_broker, .. } = &omarchy.wrapper;
    Check::must(
        "openssl.not-displaced",
        document("Intune Component Dependencies"),
        "A caller's own LD_LIBRARY_PATH cannot come before it.",
        not_displaced_holds,
    )
    .needs([Need::Undo])
    .mutant("wrapper appends instead of prepending", [omarchy.appends(device_broker)])
    .mutant("the wrapper that the session bus starts appends", [omarchy.appends(user_broker)])
}

async fn not_displaced_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let own = [("LD_LIBRARY_PATH", &*omarchy.library.system)];
    start(&*machine, &omarchy, &Caller { environment: &own, directory: "/" }).await?;
    for process in processes(&*machine, &omarchy) {
        has_one_openssl(&process, "called with an LD_LIBRARY_PATH of the system's").await?;
    }
    Ok(())
}
