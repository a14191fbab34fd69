//! Secrets on the host, and in the service that starts the microVM.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::path::Path;

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::HOST;
use super::chain::Order;
use super::host::{Host, SECRETS, UNIT};
use super::private::private;
use crate::microvm::{flow, loading};

/// Moves the secrets to where they are loaded from.
pub const INSTALL: &str = "/usr/local/libexec/install-secrets";
const OVERRIDES: &str = "/etc/systemd/system/microvm@test-vm.service.d/overrides.conf";

/// Where systemd puts the credentials of the service.
const LOADED: &str = "/run/credentials/microvm@test-vm.service";

/// An ordinary user of the host.
const SOMEBODY: &str = "setpriv --reuid=user --regid=user --clear-groups --";

pub const SOURCE_FILES: Check = Check {
    invariant: Invariant {
        id: "credentials.source-files",
        level: Level::Must,
        statement: "Secrets are root:root 0400 on memory-backed storage: 44, 44 and 88 bytes of base64, no newline, decoding to 32, 32 and 64 bytes.",
        source: loading("Phase 1"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(source_files(trial)),
    mutants: &[
        Mutant {
            name: "newline",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: INSTALL,
                from: "--target-directory=\"$to\" \"$@\"\n",
                to: "--target-directory=\"$to\" \"$@\"\nfor file in \"$to\"/*; do echo >>\"$file\"; done\n",
            }],
        },
        Mutant {
            name: "0440",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace { path: INSTALL, from: "--mode=0400", to: "--mode=0440" }],
        },
        Mutant {
            name: "on disk",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: INSTALL,
                from: "mkdir -p \"$to\"\n",
                to: "mkdir -p /var/lib/secrets && ln -sfn /var/lib/secrets /run/secrets\nmkdir -p \"$to\"\n",
            }],
        },
    ],
};

async fn source_files(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let host = Host::with(trial, &order).await?;
    for credential in &order.credentials {
        let file = format!("{SECRETS}/{}", credential.name);
        let command = format!("stat --format='%U:%G %a' {file}; stat --file-system --format=%T {file}");
        let kept = host.machine.run(&command).await?;
        let lines = ["root:root 400\ntmpfs", "root:root 400\nramfs"];
        let expected = format!("{file} is root:root 0400, on tmpfs or ramfs");
        expect(lines.contains(&kept.text().as_str()), expected, kept)?;

        let content = host.machine.read(Path::new(&file)).await?;
        let same = content == credential.value;
        expect(same, format!("{file} is the secret of {} bytes", credential.value.len()), bytes(&content))?;
        let decoded = BASE64_STANDARD.decode(&content).map(|decoded| decoded.len());
        let random = [("api-key", 32), ("db-password", 32), ("jwt-secret", 64)];
        for (_, length) in random.into_iter().filter(|(name, _)| *name == credential.name) {
            let observed = format!("{decoded:?} of {}", bytes(&content));
            expect(decoded == Ok(length), format!("{file} decodes to {length} bytes"), observed)?;
        }
    }
    Ok(())
}

/// How long something is that must not be shown.
fn bytes(content: &[u8]) -> String {
    let newlines = content.iter().filter(|byte| **byte == b'\n').count();
    format!("{} bytes, {newlines} of them newlines", content.len())
}

pub const HOST_LOAD: Check = Check {
    invariant: Invariant {
        id: "credentials.host-load",
        level: Level::Must,
        statement: "In `microvm@NAME.service`, running as microvm:kvm, each credential is in $CREDENTIALS_DIRECTORY (directory not writable, files 0400), equal to its source, whose mode is untouched.",
        source: loading("Phase 3"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(host_load(trial)),
    mutants: &[
        Mutant {
            name: "LoadCredential of one missing",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace {
                path: OVERRIDES,
                from: "LoadCredential=host-jwt-secret:/run/secrets/vars/test-vm-secrets/jwt-secret\n",
                to: "",
            }],
        },
        Mutant {
            name: "service as root",
            stage: Some(HOST),
            boots: true,
            edits: &[Edit::Replace { path: OVERRIDES, from: "User=microvm\nGroup=kvm\n", to: "" }],
        },
    ],
};

async fn host_load(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let host = Host::with(trial, &order).await?;
    host.start().await?;
    let command = format!(
        "pid=$(systemctl show -P MainPID {UNIT}); stat --format=%U:%G /proc/$pid; \
         tr '\\0' '\\n' </proc/$pid/environ | grep ^CREDENTIALS_DIRECTORY="
    );
    let process = host.machine.run(&command).await?;
    let expected = format!("microvm:kvm\nCREDENTIALS_DIRECTORY={LOADED}");
    expect(process.text() == expected, &expected, &process)?;

    let service = "setpriv --reuid=microvm --regid=kvm --clear-groups --";
    let written = host.machine.run(&format!("{service} sh -c 'echo x >{LOADED}/x'")).await?;
    expect(!written.success(), "the service cannot write to $CREDENTIALS_DIRECTORY", written)?;
    for credential in &order.credentials {
        let (file, source) =
            (format!("{LOADED}/host-{}", credential.name), format!("{SECRETS}/{}", credential.name));
        let compared = host.machine.run(&format!("{service} cat {file} | cmp - {source}")).await?;
        expect(
            compared.success(),
            format!("the service reads {file}, and it is equal to {source}"),
            compared,
        )?;
        private(&*host.machine, "microvm", &file).await?;
        let mode = host.machine.run(&format!("stat --format='%U:%G %a' {source}")).await?;
        expect(mode.text() == "root:root 400", format!("{source} is still root:root 0400"), mode)?;
    }
    Ok(())
}

pub const HOST_ISOLATED: Check = Check {
    invariant: Invariant {
        id: "credentials.host-isolated",
        level: Level::Must,
        statement: "No other user reads them; they are gone when the unit stops.",
        source: flow("Security Isolation Layers"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(host_isolated(trial)),
    mutants: &[Mutant {
        name: "SetCredential with the value in the unit file",
        stage: Some(HOST),
        boots: true,
        edits: &[Edit::Replace {
            path: INSTALL,
            from: "rm -rf \"$from\"\n",
            to: "rm -rf \"$from\"\n\
                 unit=/etc/systemd/system/microvm@test-vm.service.d/value.conf\n\
                 printf '[Service]\\nSetCredential=host-api-key:%s\\n' \"$(cat \"$to/api-key\")\" >\"$unit\"\n\
                 chmod 644 \"$unit\"\n\
                 systemctl daemon-reload\n",
        }],
    }],
};

async fn host_isolated(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let host = Host::with(trial, &order).await?;
    host.start().await?;
    // All that somebody gets to see of the service, kept as a file so that no secret is in a transcript.
    let look = format!(
        "{{ cat {LOADED}/* {SECRETS}/* /run/microvms/test-vm/record/*; systemctl cat {UNIT}; systemctl show {UNIT}; \
         grep -rhs '' /etc/systemd /run/systemd/system; }} 2>/dev/null"
    );
    host.machine.run(&format!("{SOMEBODY} sh -c \"{look}\" >/run/seen")).await?;
    let seen = host.machine.read(Path::new("/run/seen")).await?;
    // It has looked: the names are no secret.
    expect(contains(&seen, b"host-api-key"), "somebody sees the unit", bytes(&seen))?;
    for credential in &order.credentials {
        let read = contains(&seen, &credential.value);
        let expected = format!("another user does not read {}", credential.name);
        expect(!read, expected, "it is among what files and systemd show")?;
    }

    host.machine.succeed(&format!("systemctl stop {UNIT}")).await?;
    let left = host.machine.run(&format!("ls -A {LOADED} /run/microvms/test-vm 2>/dev/null")).await?;
    expect(left.text().is_empty(), format!("nothing is left of {LOADED} when the unit has stopped"), left)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
