//! Where the wrappers have libraries looked for.

use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial};

use super::version::has_one_openssl;
use super::{appends, system_first};
use crate::omarchy::document;
use crate::omarchy::process::{Caller, processes, start};
use crate::omarchy::programs::with_programs;
use crate::omarchy::wrapper::{AGENT, DEVICE_BROKER, PORTAL, SOURCE, SYSTEM_LIBRARIES, USER_BROKER};

pub const FIRST_IN_PATH: Check = Check {
    invariant: Invariant {
        id: "openssl.first-in-path",
        level: Level::Must,
        statement: "In every wrapper (portal, agent, user broker, device broker), the first directory of LD_LIBRARY_PATH that has a libcrypto is OpenSSL 3.3.2's.",
        source: document("Intune Component Dependencies"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(first_in_path(trial)),
    mutants: &[
        Mutant { name: "3.3.2 second", stage: None, boots: false, edits: &[system_first(USER_BROKER.file)] },
        Mutant {
            name: "3.3.2 absent",
            stage: None,
            boots: false,
            edits: &[Edit::Replace {
                path: AGENT.file,
                from: SOURCE,
                to: ". /usr/local/lib/library-layer/environment\nLD_LIBRARY_PATH=${LD_LIBRARY_PATH#*:}\n",
            }],
        },
        Mutant {
            name: "an empty first entry with a libcrypto in the working directory",
            stage: None,
            boots: false,
            edits: &[Edit::Replace {
                path: PORTAL.file,
                from: SOURCE,
                to: ". /usr/local/lib/library-layer/environment\nLD_LIBRARY_PATH=:$LD_LIBRARY_PATH\n",
            }],
        },
    ],
};

async fn first_in_path(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await?;
    for process in processes(&*machine) {
        process.has_the_layer_first().await?;
    }
    Ok(())
}

pub const NOT_DISPLACED: Check = Check {
    invariant: Invariant {
        id: "openssl.not-displaced",
        level: Level::Must,
        statement: "A caller's own LD_LIBRARY_PATH cannot come before it.",
        source: document("Intune Component Dependencies"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(not_displaced(trial)),
    mutants: &[
        Mutant {
            name: "wrapper appends instead of prepending",
            stage: None,
            boots: false,
            edits: &[appends(DEVICE_BROKER.file)],
        },
        Mutant {
            name: "the wrapper that the session bus starts appends",
            stage: None,
            boots: false,
            edits: &[appends(USER_BROKER.file)],
        },
    ],
};

async fn not_displaced(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let own = [("LD_LIBRARY_PATH", SYSTEM_LIBRARIES)];
    start(&*machine, &Caller { environment: &own, directory: "/" }).await?;
    for process in processes(&*machine) {
        has_one_openssl(&process, "called with an LD_LIBRARY_PATH of the system's").await?;
    }
    Ok(())
}
