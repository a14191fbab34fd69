//! Where the wrappers have libraries looked for.

use harness::{Check, Edit, Need, Outcome, Trial};

use super::version::has_one_openssl;
use super::{appends, system_first};
use crate::omarchy::document;
use crate::omarchy::process::{Caller, processes, start};
use crate::omarchy::programs::with_programs;
use crate::omarchy::wrapper::{AGENT, DEVICE_BROKER, PORTAL, SOURCE, SYSTEM_LIBRARIES, USER_BROKER};

pub fn first_in_path() -> Check {
    Check::must(
        "openssl.first-in-path",
        document("Intune Component Dependencies"),
        "In every wrapper (portal, agent, user broker, device broker), the first directory of \
         LD_LIBRARY_PATH that has a libcrypto is OpenSSL 3.3.2's.",
        first_in_path_holds,
    )
    .needs([Need::Undo])
    .mutant("3.3.2 second", [system_first(USER_BROKER.file)])
    .mutant(
        "3.3.2 absent",
        [Edit::replace(
            AGENT.file,
            SOURCE,
            ". /usr/local/lib/library-layer/environment\nLD_LIBRARY_PATH=${LD_LIBRARY_PATH#*:}\n",
        )],
    )
    .mutant(
        "an empty first entry with a libcrypto in the working directory",
        [Edit::replace(
            PORTAL.file,
            SOURCE,
            ". /usr/local/lib/library-layer/environment\nLD_LIBRARY_PATH=:$LD_LIBRARY_PATH\n",
        )],
    )
}

async fn first_in_path_holds(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await?;
    for process in processes(&*machine) {
        process.has_the_layer_first().await?;
    }
    Ok(())
}

pub fn not_displaced() -> Check {
    Check::must(
        "openssl.not-displaced",
        document("Intune Component Dependencies"),
        "A caller's own LD_LIBRARY_PATH cannot come before it.",
        not_displaced_holds,
    )
    .needs([Need::Undo])
    .mutant("wrapper appends instead of prepending", [appends(DEVICE_BROKER.file)])
    .mutant("the wrapper that the session bus starts appends", [appends(USER_BROKER.file)])
}

async fn not_displaced_holds(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let own = [("LD_LIBRARY_PATH", SYSTEM_LIBRARIES)];
    start(&*machine, &Caller { environment: &own, directory: "/" }).await?;
    for process in processes(&*machine) {
        has_one_openssl(&process, "called with an LD_LIBRARY_PATH of the system's").await?;
    }
    Ok(())
}
