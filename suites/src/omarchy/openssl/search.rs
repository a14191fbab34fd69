//! Where the wrappers have libraries looked for.

use harness::{Check, Edit, Invariant, Level, Mutant, Outcome, Touches, Trial, expect};
use serde::Deserialize;

use super::version::Mapped;
use super::{VERSION, system_first};
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
    touches: Touches::State,
    run: |trial| Box::pin(first_in_path(trial)),
    mutants: &[
        Mutant { name: "3.3.2 second", stage: None, boots: false, edits: &[system_first(PORTAL.file)] },
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
                path: USER_BROKER.file,
                from: SOURCE,
                to: ". /usr/local/lib/library-layer/environment\nLD_LIBRARY_PATH=:$LD_LIBRARY_PATH\n",
            }],
        },
    ],
};

/// An entry of LD_LIBRARY_PATH.
#[derive(Deserialize)]
struct Entry {
    entry: String,
    /// Whether it has a libcrypto, and of which version if that can be told.
    has: bool,
    version: Option<String>,
}

async fn first_in_path(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await?;
    for process in processes(&*machine) {
        let entries: Vec<Entry> = process.ask("search").await?;
        let first = entries.into_iter().find(|entry| entry.has);
        let version = first.as_ref().and_then(|first| first.version.as_deref()).unwrap_or("no version");
        let observed = match &first {
            Some(first) => format!("{:?} is, with {version}", first.entry),
            None => "none is".to_owned(),
        };
        let wrapper = process.wrapper;
        let expected = format!("{wrapper}: the first directory with a libcrypto is that of {VERSION}");
        expect(version.starts_with(VERSION), expected, observed)?;
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
    touches: Touches::State,
    run: |trial| Box::pin(not_displaced(trial)),
    mutants: &[Mutant {
        name: "wrapper appends instead of prepending",
        stage: None,
        boots: false,
        edits: &[Edit::Replace {
            path: DEVICE_BROKER.file,
            from: SOURCE,
            to: "own=$LD_LIBRARY_PATH LD_LIBRARY_PATH=\n. /usr/local/lib/library-layer/environment\n\
                 LD_LIBRARY_PATH=${own:+$own:}$LD_LIBRARY_PATH\n",
        }],
    }],
};

async fn not_displaced(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let own = [("LD_LIBRARY_PATH", SYSTEM_LIBRARIES)];
    start(&*machine, &Caller { environment: &own, directory: "/" }).await?;
    for process in processes(&*machine) {
        let mapped: Mapped = process.ask("mapped").await?;
        let wrapper = process.wrapper;
        let expected =
            format!("{wrapper}, called with LD_LIBRARY_PATH={SYSTEM_LIBRARIES}: {VERSION}is mapped");
        expect(mapped.is_whole(), expected, mapped)?;
    }
    Ok(())
}
