//! Credentials in the services of the guest.

use harness::machine::qemu::Vm;
use harness::target::Convention;
use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::HOST;
use super::chain::{Credential, Order, deliver};
use super::private::private;
use super::runner::RUNNER;
use crate::microvm::{flow, loading};

/// The documented consumers, one for each naming convention.
pub const DEMO: &str = "demo-oem-credentials.service";
const DEMO_HOST: &str = "demo-host-credentials.service";

const DEMO_FILE: &str = "/etc/systemd/system/demo-oem-credentials.service";

/// Has nothing to do with credentials.
const OTHER: &str = "other.service";

pub const NAME_MAPPING: Check = Check {
    invariant: Invariant {
        id: "credentials.name-mapping",
        level: Level::Must,
        statement: "The documented name mapping holds end to end; both documented conventions (API_KEY; HOST-API-KEY) are supported, chosen by the target.",
        source: flow("Credential Name Mapping"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(name_mapping(trial)),
    mutants: &[Mutant {
        name: "one stage upper-cases differently from the next",
        stage: Some(HOST),
        boots: true,
        edits: &[Edit::Replace { path: RUNNER, from: "local name=${1^^}", to: "local name=${1^}" }],
    }],
};

async fn name_mapping(trial: &Trial) -> Outcome {
    for (convention, service) in [(Convention::Plain, DEMO), (Convention::Host, DEMO_HOST)] {
        let order = Order { convention, ..Order::documented(trial)? };
        let guest = deliver(trial, &order).await?;
        for credential in &order.credentials {
            has(&guest, service, credential).await?;
        }
    }
    Ok(())
}

/// A service has a credential under the name that it gave it, equal to what was sent, readable to nobody else.
async fn has(guest: &Vm, service: &str, credential: &Credential) -> Outcome {
    let file = format!("/run/credentials/{service}/{}", credential.name);
    let there = guest.run(&format!("test -e {file}")).await?;
    expect(there.success(), format!("{service} has the credential {}", credential.name), there)?;
    let content = guest.read(std::path::Path::new(&file)).await?;
    let expected = format!("{file} is the value of {} bytes", credential.value.len());
    expect(content == credential.value, expected, format!("{} other bytes", content.len()))
}

pub const SERVICE_STORE: Check = Check {
    invariant: Invariant {
        id: "credentials.service-store",
        level: Level::Must,
        statement: "The consuming service, as its own user, sees its mapped names only, 0400, equal; another service and another user see nothing.",
        source: loading("Phase 7"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(service_store(trial)),
    mutants: &[
        Mutant {
            name: "mapping to the wrong name",
            stage: None,
            boots: true,
            edits: &[Edit::Replace { path: DEMO_FILE, from: "api-key:API_KEY", to: "api-key:DB_PASSWORD" }],
        },
        Mutant {
            name: "service without User=",
            stage: None,
            boots: true,
            edits: &[Edit::Replace { path: DEMO_FILE, from: "User=demo-svc-user\n", to: "" }],
        },
    ],
};

async fn service_store(trial: &Trial) -> Outcome {
    let order = Order { convention: Convention::Plain, ..Order::documented(trial)? };
    let guest = deliver(trial, &order).await?;
    let directory = format!("/run/credentials/{DEMO}");

    let command = format!("stat --format=%U /proc/$(systemctl show -P MainPID {DEMO})");
    let user = guest.run(&command).await?;
    expect(user.text() == "demo-svc-user", format!("{DEMO} runs as demo-svc-user"), user)?;

    let inside = |command: &str| {
        format!(
            "nsenter --target=$(systemctl show -P MainPID {DEMO}) --mount --setuid=$(id -u demo-svc-user) -- {command}"
        )
    };
    let mut expected: Vec<String> =
        order.credentials.iter().map(|credential| credential.name.clone()).collect();
    expected.extend(order.fixed.iter().map(|(name, _)| name.to_lowercase()));
    expected.sort();
    let names = guest.run(&inside(&format!("ls -A {directory}"))).await?;
    let mut seen: Vec<String> = names.text().lines().map(str::to_owned).collect();
    seen.sort();
    expect(seen == expected, format!("{DEMO} sees {expected:?}"), format!("{seen:?}"))?;
    for credential in &order.credentials {
        has(&guest, DEMO, credential).await?;
        private(&*guest, "demo-svc-user", &format!("{directory}/{}", credential.name)).await?;
        let read = guest.run(&inside(&format!("sh -c 'wc -c <{directory}/{}'", credential.name))).await?;
        let length = credential.value.len().to_string();
        expect(read.text() == length, format!("as its own user it reads {length} bytes"), read)?;
    }
    let other = "nsenter --target=$(systemctl show -P MainPID other.service) --mount \
                 --setuid=$(id -u other-svc-user) --";
    for (who, prefix) in
        [(OTHER, other), ("another user", "setpriv --reuid=user --regid=user --clear-groups --")]
    {
        let command =
            format!("{prefix} sh -c 'cat {directory}/* /run/credentials/@system/* 2>/dev/null | wc -c'");
        let read = guest.run(&command).await?;
        expect(read.text() == "0", format!("{who} reads nothing of it"), read)?;
    }
    Ok(())
}
