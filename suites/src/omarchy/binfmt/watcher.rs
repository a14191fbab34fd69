//! The path unit that waits for the interpreter.

use std::path::Path;

use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect, violated};

use super::share::{REGISTRATION_LIMIT, is_mounted};
use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::{DAEMON_RELOAD, document, limit, unit, within};

/// The document's own pair of units.
const LITERAL_PATH: &str =
    include_str!("../../../../fixtures/omarchy/literal/etc/systemd/system/rosetta-binfmt.path");
const LITERAL_SERVICE: &str =
    include_str!("../../../../fixtures/omarchy/literal/etc/systemd/system/rosetta-binfmt.service");

/// One of them with the names of this machine.
fn literal(text: &str, omarchy: &Omarchy) -> String {
    let documented = Omarchy::default();
    text.replace(&documented.interpreter(), &omarchy.interpreter())
        .replace(&documented.unit.registrar, &omarchy.unit.registrar)
}

pub fn watcher_no_loop(omarchy: &Omarchy) -> Check {
    let (watcher, registrar) = (&omarchy.unit.watcher, &omarchy.unit.registrar);
    Check::hazard(
        "binfmt.watcher-no-loop",
        document("Race Conditions and Mitigations, 1"),
        "While the share stays mounted the watcher settles: it comes to rest without a start limit to stop \
         it, also where a file of another package's makes every start of systemd-binfmt fail. The document's \
         literal unit pair violates this: `PathExists=` with a oneshot that does not remain after exit \
         re-triggers until `unit-start-limit-hit`.",
        watcher_settles,
    )
    .needs([Need::Undo, Need::Drives, Need::Sockets])
    .mutant(
        "the literal unit pair",
        [
            Edit::write(unit::file(watcher), literal(LITERAL_PATH, omarchy)),
            Edit::write(unit::file(registrar), literal(LITERAL_SERVICE, omarchy)),
            DAEMON_RELOAD,
            // The service is still active as the one it was, and so the path unit would not look.
            Edit::run(format!("systemctl try-restart {registrar}")),
            Edit::run(format!("systemctl restart {watcher}")),
        ],
    )
    .mutant(
        "a service that does not remain after exit",
        [Edit::replace(unit::file(registrar), "RemainAfterExit=yes\n", ""), DAEMON_RELOAD],
    )
    .mutant(
        "a service that fails when systemd-binfmt does",
        [
            Edit::replace(
                unit::file(registrar),
                "ExecStart=-/usr/bin/systemctl",
                "ExecStart=/usr/bin/systemctl",
            ),
            DAEMON_RELOAD,
        ],
    )
}

/// In another package's file, a handler that systemd-binfmt cannot register: it registers all others and fails.
const UNREADABLE: (&str, &str) = ("/usr/lib/binfmt.d/another.conf", ":another:no such type:::::\n");

/// For how long, in seconds of the guest, nothing may be started again: a loop starts it every second.
const QUIET: u32 = 5;

/// How often it is looked for such a time, one after the other. How much is done after a mount is left open, as long as it
/// ends: somebody may try a few times.
const LOOKS: u32 = 3;

async fn watcher_settles(trial: &Trial) -> Outcome {
    let (omarchy, there_at_boot) = (omarchy(trial)?, trial.machine().await?);
    settles(&*there_at_boot, &omarchy, "after a boot with the share").await?;

    let late = trial.machine_without_drives().await?;
    plug(&*late, &omarchy).await?;
    settles(&*late, &omarchy, "after the share is mounted").await?;

    let (path, content) = UNREADABLE;
    let failing = trial.machine_without_drives().await?;
    failing.write(Path::new(path), content.as_bytes(), 0o644).await?;
    plug(&*failing, &omarchy).await?;
    let when = format!("after the share is mounted, with an unreadable line in {path}");
    settles(&*failing, &omarchy, &when).await
}

/// Plugs the share in and waits for the watcher to have done its work, as long as it may take: whether it has done it is
/// another invariant.
async fn plug(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    machine.plug(&omarchy.drive).await?;
    is_mounted(machine, omarchy).await?;
    within(machine, REGISTRATION_LIMIT, &format!("test -e {}", omarchy.registered())).await?;
    Ok(())
}

async fn settles(machine: &dyn Machine, omarchy: &Omarchy, when: &str) -> Outcome {
    let mut starts = vec![count_starts(machine, omarchy).await?];
    while starts.len() <= LOOKS as usize {
        let waited = machine.run_within(&format!("sleep {QUIET}"), limit(QUIET)).await?;
        if !waited.success() {
            return Err(Stop::Broken(format!("the watcher was not watched: {waited}")));
        }
        starts.push(count_starts(machine, omarchy).await?);
        if let [.., before, after] = starts[..]
            && before == after
        {
            return no_start_limit(machine, omarchy, when).await;
        }
    }
    violated(
        format!("{when} the watcher leaves systemd-binfmt alone for {QUIET} s within {} s", QUIET * LOOKS),
        format!("the starts of both were counted as {starts:?}, every {QUIET} s"),
    )
}

/// How often systemd has begun to start systemd-binfmt or the watcher's service since boot, by its own message for that.
async fn count_starts(machine: &dyn Machine, omarchy: &Omarchy) -> Result<u32, Stop> {
    let count = format!(
        "journalctl --merge --unit=systemd-binfmt.service --unit={} --output=cat \
         MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5 | wc -l",
        omarchy.unit.registrar
    );
    let starts = machine.succeed(&count).await?;
    starts.parse().map_err(|_| Stop::Broken(format!("{count:?} counts {starts:?}")))
}

/// That it has not come to rest because systemd had enough of it.
async fn no_start_limit(machine: &dyn Machine, omarchy: &Omarchy, when: &str) -> Outcome {
    let registrar = &omarchy.unit.registrar;
    let results = format!("systemctl show --property=Id,Result systemd-binfmt.service {registrar} '*.path'");
    let results = machine.succeed(&results).await?;
    let stopped: Vec<String> = results
        .split("\n\n")
        .filter(|unit| unit.contains("limit-hit"))
        .map(|unit| unit.lines().collect::<Vec<_>>().join(" "))
        .collect();
    let expected = format!("{when} no start limit has stopped systemd-binfmt or the watcher");
    expect(stopped.is_empty(), expected, stopped.join("; "))
}
