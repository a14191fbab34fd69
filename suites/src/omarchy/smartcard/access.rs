//! Who reaches the daemon.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::client::{NATIVE, X86_64};
use super::{DAEMON, SOCKET, SYMLINK};
use crate::omarchy::{DAEMON_RELOAD, document};

pub const CONNECT_THROUGH_SYMLINK: Check = Check {
    invariant: Invariant {
        id: "smartcard.connect-through-symlink",
        level: Level::Must,
        statement: "A client of another architecture than the daemon connects through the symlink, and through `PCSCLITE_CSOCK_NAME`, and lists readers.",
        source: document("Critical Path for pcscd"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(connect_through_symlink(trial)),
    mutants: &[
        Mutant {
            name: "symlink missing",
            stage: None,
            boots: false,
            edits: &[Edit::Remove { path: SYMLINK }],
        },
        Mutant {
            name: "socket mode 0600",
            stage: None,
            boots: false,
            edits: &[
                Edit::Write {
                    path: "/etc/systemd/system/pcscd.socket.d/mode.conf",
                    content: "[Socket]\nSocketMode=0600\n",
                },
                DAEMON_RELOAD,
                Edit::Run { command: "systemctl restart pcscd.socket" },
            ],
        },
    ],
};

async fn connect_through_symlink(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    for socket in [SYMLINK, SOCKET] {
        X86_64.finds_the_reader(&*machine, socket).await?;
    }
    Ok(())
}

/// Step 5.3's override.
const OVERRIDE: &str = "/etc/systemd/system/pcscd.service.d/override.conf";

pub const NO_POLKIT_REFUSAL: Check = Check {
    invariant: Invariant {
        id: "smartcard.no-polkit-refusal",
        level: Level::Must,
        statement: "An unprivileged user without a seat can open a reader (polkit off for pcscd), and the override keeps exactly one ExecStart.",
        source: document("Phase 5, 5.3"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(no_polkit_refusal(trial)),
    mutants: &[
        Mutant {
            name: "no override",
            stage: None,
            boots: false,
            edits: &[Edit::Remove { path: OVERRIDE }, DAEMON_RELOAD],
        },
        Mutant {
            name: "override without clearing ExecStart",
            stage: None,
            boots: false,
            edits: &[Edit::Replace { path: OVERRIDE, from: "ExecStart=\n", to: "" }, DAEMON_RELOAD],
        },
    ],
};

async fn no_polkit_refusal(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let unit = machine.run(&format!("systemctl show --property=LoadState,ExecStart {DAEMON}")).await?;
    let unit = unit.text();
    let starts = unit.lines().filter(|line| line.starts_with("ExecStart=")).count();
    let one = unit.lines().any(|line| line == "LoadState=loaded") && starts == 1;
    expect(one, format!("{DAEMON} is loaded with exactly one ExecStart"), &unit)?;

    NATIVE.finds_the_reader(&*machine, SOCKET).await
}
