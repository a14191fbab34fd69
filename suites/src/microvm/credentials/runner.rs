//! What `microvm-run` makes of the credentials that its service has loaded.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use harness::target::Host as Settings;
use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Stop, Trial, expect};

use super::HOST;
use super::arrival::received;
use super::chain::{Credential, Form, Order, deliver, send};
use super::host::Host;
use super::report::reported;
use super::strings::{carry, some};
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
    needs: &[Need::Undo],
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
        Mutant {
            name: "configured to leave one out",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: "/etc/microvms/test-vm.conf",
                from: "CREDENTIALS=\"api-key db-password jwt-secret\"",
                to: "CREDENTIALS=\"api-key db-password\"",
            }],
        },
    ],
};

async fn strings_built(trial: &Trial) -> Outcome {
    for form in Form::all(trial)? {
        let order = Order { form, ..Order::documented(trial)? };
        let host = Host::with(trial, &order).await?;
        let hypervisor = host.start().await?;
        carry(&order, &host.strings(hypervisor).await?)?;
    }
    Ok(())
}

pub const CMDLINE_EXPOSURE: Check = Check {
    invariant: Invariant {
        id: "credentials.cmdline-exposure",
        level: Level::Must,
        statement: "Exactly the documented set can read the secret from the hypervisor's command line (root, the service's user and group); with the file-based form, nobody.",
        source: loading("Phase 5"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(cmdline_exposure(trial)),
    mutants: &[Mutant {
        name: "everybody sees every process",
        stage: Some(HOST),
        boots: true,
        edits: &[Edit::Run { command: "systemctl disable hide-processes.service" }],
    }],
};

/// Users, by how a command is run as them, and whether the document lets them see the value form.
fn users(settings: &Settings) -> [(&'static str, String, bool); 4] {
    let Settings { user, group, .. } = settings;
    [
        ("root", String::new(), true),
        ("the service's user", format!("setpriv --reuid={user} --regid={group} --clear-groups --"), true),
        (
            "a member of the service's group",
            format!("setpriv --reuid=user --regid=user --groups={group} --"),
            true,
        ),
        ("another user", "setpriv --reuid=user --regid=user --clear-groups --".into(), false),
    ]
}

async fn cmdline_exposure(trial: &Trial) -> Outcome {
    for form in Form::all(trial)? {
        let order = Order { form, ..Order::documented(trial)? };
        let host = Host::with(trial, &order).await?;
        let pid = host.start().await?;
        let by_file = !host.recorded(pid).await?.files.is_empty();
        for (who, prefix, documented) in users(&host.settings) {
            let look =
                format!("{prefix} sh -c 'echo looked; cat /proc/{pid}/cmdline' >/run/seen 2>/dev/null");
            host.machine.run(&look).await?;
            let seen = host.machine.read(Path::new("/run/seen")).await?;
            if !seen.starts_with(b"looked\n") {
                return Err(Stop::Broken(format!("no command runs as {who}: {prefix}")));
            }
            let sees = order.credentials.iter().filter(|credential| shows(&seen, credential));
            let sees: Vec<String> = sees.map(|credential| credential.name.clone()).collect();
            let all = if documented && !by_file { order.credentials.len() } else { 0 };
            let form = if by_file { "given as files" } else { "on the command line" };
            let expected = format!("of the secrets {form}, {who} sees {all} in /proc/{pid}/cmdline");
            expect(sees.len() == all, expected, some(&sees))?;
        }
    }
    Ok(())
}

/// As it is or as systemd would decode it.
fn shows(seen: &[u8], credential: &Credential) -> bool {
    let encoded = BASE64_STANDARD_NO_PAD.encode(&credential.value).into_bytes();
    [&credential.value, &encoded]
        .into_iter()
        .any(|form| seen.windows(form.len()).any(|window| window == form))
}

pub const MISSING_ONE: Check = Check {
    invariant: Invariant {
        id: "credentials.missing-one",
        level: Level::Must,
        statement: "A missing credential file is reported by name, the others still arrive, the VM boots.",
        source: flow("Error Handling & Validation"),
        variant: None,
    },
    needs: &[Need::Undo, Need::Boot, Need::Strings],
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
        Mutant {
            name: "reported without its name",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: RUNNER,
                from: "echo \"credential host-$name is missing",
                to: "echo \"a credential is missing",
            }],
        },
        Mutant {
            name: "every one is said to be loaded",
            stage: Some(HOST),
            boots: true,
            edits: &[
                Edit::Replace {
                    path: RUNNER,
                    from: "    file=$CREDENTIALS_DIRECTORY/host-$name\n    if",
                    to: "    file=$CREDENTIALS_DIRECTORY/host-$name\n    \
                         echo \"Loaded host-$name ($(wc -c <\"$file\") bytes)\"\n    if",
                },
                Edit::Replace {
                    path: RUNNER,
                    from: "echo \"credential host-$name is missing",
                    to: ": \"credential host-$name is missing",
                },
            ],
        },
    ],
};

async fn missing_one(trial: &Trial) -> Outcome {
    let whole = Order::documented(trial)?;
    let mut order = whole.clone();
    let missing = order.credentials.last_mut().map(|credential| {
        credential.there = false;
        credential.name.clone()
    });
    let missing = missing.unwrap_or_default();

    let (sent, before) = (send(trial, &order).await?, send(trial, &whole).await?);
    reported(&missing, &sent.said, &before.said, "whose file is missing")?;
    carry(&order, &sent.smbios.strings())?;
    received(&*deliver(trial, &order).await?, &order).await
}
