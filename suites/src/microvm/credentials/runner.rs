//! What `microvm-run` makes of the credentials that its service has loaded.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::HOST;
use super::arrival::received;
use super::chain::{Order, deliver, send};
use super::frontend::Frontend;
use super::host::{Host, UNIT};
use crate::microvm::{flow, loading};

pub const RUNNER: &str = "/var/lib/microvms/test-vm/current/bin/microvm-run";

pub const STRINGS_BUILT: Check = Check {
    invariant: Invariant {
        id: "credentials.strings-built",
        level: Level::Must,
        statement: "The runner builds one `io.systemd.credential:NAME=value` per secret and keeps the static ones, all of them, in one list.",
        source: loading("Phase 4"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(strings_built(trial)),
    mutants: &[
        Mutant {
            name: "overwrites instead of appending",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: RUNNER,
                from: "strings+=(\"$string\")",
                to: "strings=(\"$string\")",
            }],
        },
        Mutant {
            name: "drops the static ones",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace { path: RUNNER, from: "for pair in $STATIC; do", to: "for pair in; do" }],
        },
    ],
};

async fn strings_built(trial: &Trial) -> Outcome {
    for frontend in Frontend::ALL {
        let order = Order { frontend, ..Order::documented(trial)? };
        let host = Host::with(trial, &order).await?;
        host.start().await?;
        let (built, expected) = (host.strings().await?, order.strings());
        let said = format!("{frontend:?} is given the strings {}", shown(&expected));
        expect(built == expected, said, shown(&built))?;
    }
    Ok(())
}

/// Strings without their values, which may be secret.
pub fn shown(strings: &[Vec<u8>]) -> String {
    let shown = strings.iter().map(|string| {
        let equals = string.iter().position(|byte| *byte == b'=').map_or(string.len(), |at| at + 1);
        let name = String::from_utf8_lossy(&string[..equals]);
        format!("{name}<{} bytes>", string.len() - equals)
    });
    shown.collect::<Vec<_>>().join(", ")
}

pub const CMDLINE_EXPOSURE: Check = Check {
    invariant: Invariant {
        id: "credentials.cmdline-exposure",
        level: Level::Must,
        statement: "Exactly the documented set can read the secret from the hypervisor's command line (root, the service's user and group); with the file-based form, nobody.",
        source: loading("Phase 5"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(cmdline_exposure(trial)),
    mutants: &[Mutant {
        name: "everybody sees every process",
        stage: Some(HOST),
        boots: true,
        edits: &[Edit::Run { command: "systemctl disable hide-processes.service" }],
    }],
};

/// Users, by how a command is run as them, and whether the document lets them see the value form.
const USERS: [(&str, &str, bool); 4] = [
    ("root", "", true),
    ("the service's user", "setpriv --reuid=microvm --regid=kvm --clear-groups --", true),
    ("a member of the service's group", "setpriv --reuid=user --regid=user --groups=kvm --", true),
    ("another user", "setpriv --reuid=user --regid=user --clear-groups --", false),
];

async fn cmdline_exposure(trial: &Trial) -> Outcome {
    for frontend in Frontend::ALL {
        let order = Order { frontend, ..Order::documented(trial)? };
        let host = Host::with(trial, &order).await?;
        host.start().await?;
        let pid = host.machine.succeed(&format!("systemctl show -P MainPID {UNIT}")).await?;
        for (who, prefix, documented) in USERS {
            let command = format!("{prefix} cat /proc/{pid}/cmdline >/run/seen 2>/dev/null");
            host.machine.run(&command).await?;
            let seen = host.machine.read(std::path::Path::new("/run/seen")).await?;
            let seeable = |value: &[u8]| seen.windows(value.len()).any(|window| window == value);
            let sees = order.credentials.iter().filter(|credential| seeable(&credential.value)).count();
            let all = if documented && frontend != Frontend::QemuFile { order.credentials.len() } else { 0 };
            let expected = format!("with {frontend:?}, {who} sees {all} secrets on the command line");
            expect(sees == all, expected, format!("{sees}"))?;
        }
    }
    Ok(())
}

pub const MISSING_ONE: Check = Check {
    invariant: Invariant {
        id: "credentials.missing-one",
        level: Level::Must,
        statement: "A missing credential file is reported by name, the others still arrive, the VM boots.",
        source: flow("Error Handling & Validation"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(missing_one(trial)),
    mutants: &[
        Mutant {
            name: "runner exits",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: RUNNER,
                from: "is missing, so it is not sent\" >&2\n",
                to: "is missing, so it is not sent\" >&2\n        exit 1\n",
            }],
        },
        Mutant {
            name: "runner passes an empty value",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: RUNNER,
                from: "is missing, so it is not sent\" >&2\n",
                to: "is missing, so it is not sent\" >&2\n        \
                     strings+=(\"io.systemd.credential:$(sent_as \"$name\")=\")\n",
            }],
        },
    ],
};

async fn missing_one(trial: &Trial) -> Outcome {
    let mut order = Order::documented(trial)?;
    let missing = order.credentials.last_mut().map(|credential| {
        credential.there = false;
        credential.name.clone()
    });
    let missing = missing.unwrap_or_default();

    let sent = send(trial, &order).await?;
    let reported = sent.said.lines().any(|line| line.contains(&missing) && line.contains("missing"));
    expect(reported, format!("the journal says that {missing} is missing"), sent.said)?;
    let (built, expected) = (sent.smbios.strings(), order.strings());
    expect(built == expected, format!("the others are sent: {}", shown(&expected)), shown(&built))?;
    received(&*deliver(trial, &order).await?, &order).await
}
