//! Whether the interpreter is registered, and stays so.

use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial, expect};

use super::handler::{INTERPRETER, described, registered, taking};
use super::interpreted::{STATIC, is_interpreted};
use super::program::{ET_EXEC, X86_64, elf, exit};
use super::share::late_and_late_again;
use super::{CONF, RESTART, SECOND_HANDLER, handler};
use crate::omarchy::{DAEMON_RELOAD, document};

pub const REGISTERED: Check = Check {
    invariant: Invariant {
        id: "binfmt.registered",
        level: Level::Must,
        statement: "After boot with the share present, the handler `rosetta` is enabled with the interpreter `/mnt/psf/RosettaLinux/rosetta`, and it executes x86_64 programs.",
        source: document("Phase 3, 3.1"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(is_registered(trial)),
    mutants: &[
        Mutant {
            name: "no rosetta.conf",
            stage: None,
            boots: false,
            edits: &[Edit::Remove { path: CONF }, Edit::Run { command: RESTART }],
        },
        Mutant {
            name: "conf under another name",
            stage: None,
            boots: false,
            edits: &[
                Edit::Replace { path: CONF, from: ":rosetta:M:", to: ":rosetta2:M:" },
                Edit::Run { command: RESTART },
            ],
        },
        Mutant {
            name: "interpreter path /media/psf/...",
            stage: None,
            boots: false,
            edits: &[
                Edit::Replace { path: CONF, from: ":/mnt/psf/", to: ":/media/psf/" },
                // That nothing is there is an error of systemd-binfmt's, as it would be at a boot.
                Edit::Run { command: "! systemctl restart systemd-binfmt.service" },
            ],
        },
        Mutant {
            name: "another handler for x86_64 registered after it",
            stage: None,
            boots: false,
            edits: &[SECOND_HANDLER],
        },
    ],
};

async fn is_registered(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let handlers = registered(&*machine).await?;
    let is_ours = |handler: &handler::Handler| {
        handler.name == "rosetta" && handler.enabled && handler.interpreter == INTERPRETER
    };
    expect(
        handlers.iter().any(is_ours),
        format!("handler \"rosetta\", enabled, with interpreter {INTERPRETER:?}"),
        described(&handlers),
    )?;
    is_interpreted(&*machine, "a static x86_64 program", "exit 42", STATIC, 42).await
}

pub const RESTART_IDEMPOTENT: Check = Check {
    invariant: Invariant {
        id: "binfmt.restart-idempotent",
        level: Level::Must,
        statement: "Restarting systemd-binfmt by hand, repeatedly and concurrently, ends registered once.",
        source: document("Phase 3, 3.1"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(restart_is_idempotent(trial)),
    mutants: &[Mutant {
        name: "a drop-in that registers a second, conflicting handler",
        stage: None,
        boots: false,
        edits: &[
            Edit::Write {
                path: "/etc/systemd/system/systemd-binfmt.service.d/another.conf",
                content: "[Service]\nExecStartPost=/bin/sh -c 'test -e /proc/sys/fs/binfmt_misc/another || echo \":another:M:18:>\\\\x00::/mnt/psf/RosettaLinux/rosetta:F\" >/proc/sys/fs/binfmt_misc/register'\n",
            },
            DAEMON_RELOAD,
        ],
    }],
};

async fn restart_is_idempotent(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    for restarts in [
        format!("{RESTART} && {RESTART} && {RESTART}"),
        format!("for i in 1 2 3 4; do {RESTART} & done; wait"),
    ] {
        // How they end is nothing to go by: a line that systemd-binfmt cannot read makes it fail, whosever it is.
        let restarted = machine.run(&restarts).await?;
        let taking = taking(&*machine, &elf(X86_64, ET_EXEC, &exit(0))).await?;
        let once = matches!(&taking[..], [handler] if handler.interpreter == INTERPRETER);
        let expected = format!("one handler for x86-64 programs, with interpreter {INTERPRETER:?}");
        expect(once, expected, format!("{}; the restarts: {restarted}", described(&taking)))?;
        is_interpreted(&*machine, "a static x86_64 program", "exit 42", STATIC, 42).await?;
    }
    Ok(())
}

pub const SURVIVES_REBOOTS: Check = Check {
    invariant: Invariant {
        id: "binfmt.survives-reboots",
        level: Level::Must,
        statement: "N reboots with randomised mount delays: registered each time.",
        source: document("Race Conditions and Mitigations, 1"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Boot, Need::Drives, Need::Sockets],
    run: |trial| Box::pin(late_and_late_again(trial)),
    mutants: &[Mutant {
        name: "a runtime-only registration",
        stage: None,
        boots: false,
        edits: &[Edit::Run {
            command: "mkdir -p /run/binfmt.d && mv /etc/binfmt.d/rosetta.conf /run/binfmt.d/",
        }],
    }],
};
