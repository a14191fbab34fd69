//! What `microvm-run` makes of the credentials that its service has loaded.

use std::path::Path;

use super::parties::Host as Settings;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};

use super::HOST;
use super::arrival::received;
use super::chain::{Credential, Form, Order, deliver, send};
use super::host::Host;
use super::report::reported;
use super::strings::{carry, some};
use crate::microvm::{flow, loading};

pub const RUNNER: &str = "/var/lib/microvms/test-vm/current/bin/microvm-run";

pub fn strings_built() -> Check {
    Check::must(
        "credentials.strings-built",
        loading("Phase 4"),
        "The runner builds one `io.systemd.credential:NAME=value` per secret and keeps the static ones, all \
         of them, in one list.",
        strings_built_holds,
    )
    .needs([Need::Undo])
    .mutant_of(
        HOST,
        "overwrites instead of appending",
        [Edit::replace(RUNNER, "strings+=(\"$string\")", "strings=(\"$string\")")],
    )
    .mutant_of(
        HOST,
        "drops the static ones",
        [Edit::replace(RUNNER, "for pair in $STATIC; do", "for pair in; do")],
    )
    .mutant_of(
        HOST,
        "configured to leave one out",
        [Edit::replace(
            "/etc/microvms/test-vm.conf",
            "CREDENTIALS=\"api-key db-password jwt-secret\"",
            "CREDENTIALS=\"api-key db-password\"",
        )],
    )
}

async fn strings_built_holds(trial: &Trial) -> Outcome {
    for form in Form::all(trial)? {
        let order = Order { form, ..Order::documented(trial)? };
        let host = Host::with(trial, &order).await?;
        let hypervisor = host.start().await?;
        carry(&order, &host.strings(hypervisor).await?)?;
    }
    Ok(())
}

pub fn cmdline_exposure() -> Check {
    Check::must(
        "credentials.cmdline-exposure",
        loading("Phase 5"),
        "Exactly the documented set can read the secret from the hypervisor's command line (root, the \
         service's user and group); with the file-based form, nobody.",
        cmdline_exposure_holds,
    )
    .needs([Need::Undo])
    .mutant_of(
        HOST,
        "everybody sees every process",
        [Edit::run("systemctl disable hide-processes.service")],
    )
}

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

async fn cmdline_exposure_holds(trial: &Trial) -> Outcome {
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

pub fn missing_one() -> Check {
    Check::must(
        "credentials.missing-one",
        flow("Error Handling & Validation"),
        "A missing credential file is reported by name, the others still arrive, the VM boots.",
        missing_one_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Strings])
    .mutant_of(
        HOST,
        "runner exits",
        [Edit::replace(
            RUNNER,
            "is missing, so it is not sent\" >&2\n",
            "is missing, so it is not sent\" >&2\n        exit 1\n",
        )],
    )
    .mutant_of(
        HOST,
        "runner passes an empty value",
        [Edit::replace(
            RUNNER,
            "is missing, so it is not sent\" >&2\n",
            "is missing, so it is not sent\" >&2\n        \
                     strings+=(\"io.systemd.credential:$(sent_as \"$name\")=\")\n",
        )],
    )
    .mutant_of(
        HOST,
        "reported without its name",
        [Edit::replace(RUNNER, "echo \"credential host-$name is missing", "echo \"a credential is missing")],
    )
    .mutant_of(
        HOST,
        "every one is said to be loaded",
        [
            Edit::replace(
                RUNNER,
                "    file=$CREDENTIALS_DIRECTORY/host-$name\n    if",
                "    file=$CREDENTIALS_DIRECTORY/host-$name\n    \
                         echo \"Loaded host-$name ($(wc -c <\"$file\") bytes)\"\n    if",
            ),
            Edit::replace(
                RUNNER,
                "echo \"credential host-$name is missing",
                ": \"credential host-$name is missing",
            ),
        ],
    )
}

async fn missing_one_holds(trial: &Trial) -> Outcome {
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
