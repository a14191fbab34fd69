//! The path unit that waits for the interpreter.

use std::time::Duration;

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::SHARE;
use crate::omarchy::document;

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
    mutants: &[Mutant {
        name: "the literal unit pair",
        stage: None,
        boots: true,
        edits: &[
            Edit::Write { path: "/etc/systemd/system/rosetta-binfmt.path", content: LITERAL_PATH },
            Edit::Write { path: "/etc/systemd/system/rosetta-binfmt.service", content: LITERAL_SERVICE },
            Edit::Run { command: "systemctl reenable rosetta-binfmt.path" },
        ],
    }],
};

/// No job for this long, in real time, means that the watcher has settled: a loop starts one every second.
const QUIET: Duration = Duration::from_secs(5);

/// More jobs than any settled watcher causes.
const LOOPING: usize = 8;

async fn watcher_settles(trial: &Trial) -> Outcome {
    // Booted with the share: systemd-binfmt starts once by itself, and once more by the watcher at most.
    let machine = trial.machine().await?;
    no_unit_has_failed(&*machine).await?;
    let starts = "journalctl --merge --unit=systemd-binfmt.service --output=cat \
                  MESSAGE_ID=39f53479d3a045ac8e11786248231fbf | wc -l";
    let starts = machine.succeed(starts).await?;
    let settled = starts.parse::<u32>().is_ok_and(|starts| starts <= 2);
    expect(settled, "systemd-binfmt started at most twice during boot", format!("{starts} times"))?;

    // The share arrives later: one restart, and then quiet.
    let machine = trial.machine_without_drives().await?;
    let systemd = machine.systemd().await?;
    let (plugged, jobs) =
        tokio::join!(machine.plug(SHARE), systemd.jobs_until(QUIET, |jobs| jobs.len() > LOOPING));
    plugged?;
    let restarts = jobs?.iter().filter(|job| job.unit == "systemd-binfmt.service").count();
    expect(
        restarts <= 1,
        "at most one restart of systemd-binfmt after the mount",
        format!("{restarts} restarts"),
    )?;
    no_unit_has_failed(&*machine).await
}

async fn no_unit_has_failed(machine: &dyn Machine) -> Outcome {
    let failed = machine.succeed("systemctl --failed --plain --no-legend; systemctl show -P Result rosetta-binfmt.path rosetta-binfmt.service").await?;
    let settled = failed.lines().all(|line| line.is_empty() || line == "success");
    expect(settled, "no unit has failed", failed)
}
