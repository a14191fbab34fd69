//! Who reaches the daemon.

use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Stop, Trial, expect};

use super::client::{NATIVE, X86_64, found_by};
use super::piv::select_piv;
use super::{DAEMON, READER, SOCKET, SYMLINK};
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::{DAEMON_RELOAD, document};

pub const CONNECT_THROUGH_SYMLINK: Check = Check {
    invariant: Invariant {
        id: "smartcard.connect-through-symlink",
        level: Level::Must,
        statement: "A client of another architecture than the daemon connects through the symlink, and through `PCSCLITE_CSOCK_NAME`, and lists readers.",
        source: document("Critical Path for pcscd"),
        variant: None,
    },
    needs: &[Need::Undo],
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
        Mutant {
            name: "wrappers with another PCSCLITE_CSOCK_NAME",
            stage: None,
            boots: false,
            edits: &[Edit::Replace {
                path: "/usr/local/lib/library-layer/environment",
                from: "PCSCLITE_CSOCK_NAME=/run/pcscd/pcscd.comm\n",
                to: "PCSCLITE_CSOCK_NAME=/run/pcscd.comm\n",
            }],
        },
    ],
};

async fn connect_through_symlink(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await.map_err(Stop::undecided)?;
    X86_64.finds_the_reader(&*machine, SYMLINK).await?;
    for process in processes(&*machine) {
        let readers = found_by(&process).await?;
        let expected = format!(
            "{}: its program finds the reader {READER:?} through PCSCLITE_CSOCK_NAME",
            process.wrapper
        );
        expect(readers.keys().any(|name| name.contains(READER)), expected, format!("{readers:?}"))?;
    }
    Ok(())
}

/// Step 5.3's override.
const OVERRIDE: &str = "/etc/systemd/system/pcscd.service.d/override.conf";

pub const NO_POLKIT_REFUSAL: Check = Check {
    invariant: Invariant {
        id: "smartcard.no-polkit-refusal",
        level: Level::Must,
        statement: "An unprivileged user without a seat lists the readers and opens the card in one (polkit off for pcscd), and the override keeps exactly one ExecStart.",
        source: document("Phase 5, 5.3"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Sockets, Need::Token],
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
        Mutant {
            name: "a polkit rule for the daemon instead, and none for the card",
            stage: None,
            boots: false,
            edits: &[
                Edit::Write {
                    path: "/etc/polkit-1/rules.d/50-pcsc.rules",
                    content: "polkit.addRule(function(action, subject) {\n    \
                              if (action.id == \"org.debian.pcsc-lite.access_pcsc\") { return polkit.Result.YES; }\n\
                              });\n",
                },
                Edit::Replace { path: OVERRIDE, from: " --disable-polkit", to: "" },
                DAEMON_RELOAD,
            ],
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

    NATIVE.finds_the_reader(&*machine, SOCKET).await?;
    let token = trial.token().await?;
    let _card = trial.insert(&token, &*machine).await?;
    select_piv(&*machine).await
}
