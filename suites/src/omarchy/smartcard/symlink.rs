//! The link that clients of another architecture take for the daemon's socket.

use std::time::Duration;

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Need, Outcome, Trial, expect};

use super::client::NATIVE;
use super::{DAEMON, DAEMON_SOCKET, SOCKET, SYMLINK, TMPFILES};
use crate::omarchy::{DAEMON_RELOAD, document};

pub const SYMLINK_AT_BOOT: Check = Check {
    invariant: Invariant {
        id: "smartcard.symlink-at-boot",
        level: Level::Must,
        statement: "After every boot `/run/pcscd/pcscd` is a symlink that resolves to the listening socket.",
        source: document("Phase 5, 5.3; Critical Path for pcscd"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(symlink_at_boot(trial)),
    mutants: &[
        Mutant {
            name: "link made once by hand, no tmpfiles entry",
            stage: None,
            boots: true,
            edits: &[
                Edit::Remove { path: TMPFILES },
                Edit::Run { command: "ln -sfn pcscd.comm /run/pcscd/pcscd" },
            ],
        },
        Mutant {
            name: "link to another name",
            stage: None,
            boots: true,
            edits: &[Edit::Replace { path: TMPFILES, from: "- pcscd.comm", to: "- pcscd.socket" }],
        },
        Mutant {
            name: "regular file instead",
            stage: None,
            boots: true,
            edits: &[Edit::Replace {
                path: TMPFILES,
                from: "L+ /run/pcscd/pcscd - - - - pcscd.comm",
                to: "f /run/pcscd/pcscd 0666 root root - pcscd.comm",
            }],
        },
    ],
};

async fn symlink_at_boot(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    leads_to_the_daemon(&*machine, "a boot").await
}

pub const SYMLINK_SURVIVES: Check = Check {
    invariant: Invariant {
        id: "smartcard.symlink-survives",
        level: Level::Hazard,
        statement: "It still does after pcscd restarts, its socket restarts, pcscd exits for idleness, and tmpfiles runs again.",
        source: document("Critical Path for pcscd"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Lapse, Need::Sockets],
    run: |trial| Box::pin(symlink_survives(trial)),
    mutants: &[Mutant {
        name: "a unit whose runtime directory is removed on stop",
        stage: None,
        boots: false,
        edits: &[
            Edit::Write {
                path: "/etc/systemd/system/pcscd.service.d/runtime-directory.conf",
                content: "[Service]\nRuntimeDirectory=pcscd\n",
            },
            DAEMON_RELOAD,
        ],
    }],
};

/// The daemon exits when it has had no client for a minute.
const IDLE: Duration = Duration::from_secs(75);

async fn symlink_survives(trial: &Trial) -> Outcome {
    let machine = trial.time_lapse()?.machine().await?;
    for (what, command) in [
        ("a restart of the daemon", format!("systemctl restart {DAEMON}")),
        ("a restart of its socket", format!("systemctl stop {DAEMON} && systemctl restart {DAEMON_SOCKET}")),
        ("another run of tmpfiles", "systemd-tmpfiles --create".to_owned()),
    ] {
        // How it ends is nothing to go by: what there is after it is.
        machine.run(&command).await?;
        leads_to_the_daemon(&*machine, what).await?;
    }

    machine.lapse(IDLE).await?;
    let state = machine.systemd().await?.active_state(DAEMON).await?;
    expect(state == "inactive", format!("{DAEMON} has exited after {} idle seconds", IDLE.as_secs()), state)?;
    leads_to_the_daemon(&*machine, "the daemon's exit for idleness").await
}

/// The link is one, leads to the socket, and somebody answers there.
async fn leads_to_the_daemon(machine: &dyn Machine, after: &str) -> Outcome {
    let link = machine.run(&format!("test -L {SYMLINK} && realpath {SYMLINK}")).await?;
    expect(link.text() == SOCKET, format!("after {after} {SYMLINK} is a link to {SOCKET}"), link)?;
    NATIVE.finds_the_reader(machine, SYMLINK).await
}
