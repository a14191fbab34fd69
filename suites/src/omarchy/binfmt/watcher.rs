//! The path unit that waits for the interpreter.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Stop, Touches, Trial, expect};

use super::share::plug_and_register;
use super::{WATCHER, WATCHER_SERVICE};
use crate::omarchy::{DAEMON_RELOAD, document, limit};

/// The document's own pair of units.
const LITERAL_PATH: &str =
    include_str!("../../../../fixtures/omarchy/literal/etc/systemd/system/rosetta-binfmt.path");
const LITERAL_SERVICE: &str =
    include_str!("../../../../fixtures/omarchy/literal/etc/systemd/system/rosetta-binfmt.service");

pub const WATCHER_NO_LOOP: Check = Check {
    invariant: Invariant {
        id: "binfmt.watcher-no-loop",
        level: Level::Hazard,
        statement: "While the share stays mounted the watcher settles: no start-limit, no unit failed, at most one restart of systemd-binfmt. The document's literal unit pair violates this: `PathExists=` with a oneshot that does not remain after exit re-triggers until `unit-start-limit-hit`.",
        source: document("Race Conditions and Mitigations, 1"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(watcher_settles(trial)),
    mutants: &[
        Mutant {
            name: "the literal unit pair",
            stage: None,
            boots: false,
            edits: &[
                Edit::Write { path: WATCHER, content: LITERAL_PATH },
                Edit::Write { path: WATCHER_SERVICE, content: LITERAL_SERVICE },
                DAEMON_RELOAD,
                // The service is still active as the one it was, and so the path unit would not look.
                Edit::Run { command: "systemctl try-restart rosetta-binfmt.service" },
                Edit::Run { command: "systemctl restart rosetta-binfmt.path" },
            ],
        },
        Mutant {
            name: "a service that does not remain after exit",
            stage: None,
            boots: false,
            edits: &[
                Edit::Replace { path: WATCHER_SERVICE, from: "RemainAfterExit=yes\n", to: "" },
                DAEMON_RELOAD,
            ],
        },
    ],
};

/// How long the watcher is watched after its work is done, in seconds of the guest: a loop restarts systemd-binfmt
/// every second.
const WATCH: u32 = 5;

async fn watcher_settles(trial: &Trial) -> Outcome {
    // Booted with the share: systemd-binfmt starts once by itself, and once more by the watcher at most.
    let machine = trial.machine().await?;
    no_unit_has_failed(&*machine).await?;
    let starts = starts_of_binfmt(&*machine).await?;
    expect(starts <= 2, "systemd-binfmt started at most twice during boot", format!("{starts} times"))?;

    // The share arrives later: one restart, and then quiet.
    let machine = trial.machine_without_drives().await?;
    let before = starts_of_binfmt(&*machine).await?;
    plug_and_register(&machine).await?;
    let watched = machine.run_within(&format!("sleep {WATCH}"), limit(WATCH)).await?;
    if !watched.success() {
        return Err(Stop::Broken(format!("the watcher was not watched: {watched}")));
    }
    let restarts = starts_of_binfmt(&*machine).await?.saturating_sub(before);
    expect(
        restarts <= 1,
        "at most one restart of systemd-binfmt after the mount",
        format!("{restarts} restarts"),
    )?;
    no_unit_has_failed(&*machine).await
}

async fn starts_of_binfmt(machine: &dyn Machine) -> Result<u32, Stop> {
    let count = "journalctl --merge --unit=systemd-binfmt.service --output=cat \
                 MESSAGE_ID=39f53479d3a045ac8e11786248231fbf | wc -l";
    let starts = machine.succeed(count).await?;
    starts.parse().map_err(|_| Stop::Broken(format!("{count:?} counts {starts:?}")))
}

async fn no_unit_has_failed(machine: &dyn Machine) -> Outcome {
    let failed = machine.succeed("systemctl --failed --plain --no-legend; systemctl show -P Result rosetta-binfmt.path rosetta-binfmt.service").await?;
    let settled = failed.lines().all(|line| line.is_empty() || line == "success");
    expect(settled, "no unit has failed", failed)
}
