//! Secrets on the host, and in the service that starts the microVM.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::path::Path;

use super::parties::Host as Settings;
use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};

use super::HOST;
use super::chain::Order;
use super::host::Host;
use super::private::private;
use super::strings::some;
use crate::microvm::{flow, loading};

/// Moves the secrets to where they are loaded from.
pub const INSTALL: &str = "/usr/local/libexec/install-secrets";
const OVERRIDES: &str = "/etc/systemd/system/microvm@test-vm.service.d/overrides.conf";

/// An ordinary user of the host.
const SOMEBODY: &str = "setpriv --reuid=user --regid=user --clear-groups --";

pub fn source_files() -> Check {
    Check::must(
        "credentials.source-files",
        loading("Phase 1"),
        "Secrets are root:root 0400 on memory-backed storage: 44, 44 and 88 bytes of base64, no newline, \
         decoding to 32, 32 and 64 bytes.",
        source_files_holds,
    )
    .needs([Need::Undo])
    .mutant_of(
        HOST,
        "newline",
        [Edit::replace(
            INSTALL,
            "--target-directory=\"$to\" \"$@\"\n",
            "--target-directory=\"$to\" \"$@\"\nfor file in \"$to\"/*; do echo >>\"$file\"; done\n",
        )],
    )
    .mutant_of(HOST, "0440", [Edit::replace(INSTALL, "--mode=0400", "--mode=0440")])
    .mutant_of(
        HOST,
        "on disk",
        [Edit::replace(
            INSTALL,
            "mkdir -p \"$to\"\n",
            "mkdir -p /var/lib/secrets && ln -sfn /var/lib/secrets /run/secrets\nmkdir -p \"$to\"\n",
        )],
    )
}

async fn source_files_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let host = Host::with(trial, &order).await?;
    for credential in &order.credentials {
        let file = format!("{}/{}", host.settings.secrets.display(), credential.name);
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

pub fn host_load() -> Check {
    Check::must(
        "credentials.host-load",
        loading("Phase 3"),
        "In `microvm@NAME.service`, running as microvm:kvm, each credential is in $CREDENTIALS_DIRECTORY \
         (directory not writable, files 0400), equal to its source, whose mode is untouched.",
        host_load_holds,
    )
    .needs([Need::Undo])
    .mutant_of(
        HOST,
        "LoadCredential of one missing",
        [Edit::replace(
            OVERRIDES,
            "LoadCredential=host-jwt-secret:/run/secrets/vars/test-vm-secrets/jwt-secret\n",
            "",
        )],
    )
    .mutant_of(HOST, "service as root", [Edit::replace(OVERRIDES, "User=microvm\nGroup=kvm\n", "")])
}

async fn host_load_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let host = Host::with(trial, &order).await?;
    let hypervisor = host.start().await?;
    let Settings { user, group, prefix, secrets, .. } = &host.settings;
    let owner = host.machine.run(&format!("stat --format=%U:%G /proc/{hypervisor}")).await?;
    expect(
        owner.text() == format!("{user}:{group}"),
        format!("the hypervisor runs as {user}:{group}"),
        owner,
    )?;

    let loaded = host.settings.loaded();
    let service = format!("setpriv --reuid={user} --regid={group} --clear-groups --");
    let listed = host.machine.run(&format!("ls -A {loaded}")).await?.text();
    let there: Vec<String> = listed.lines().map(str::to_owned).collect();
    let names = order.credentials.iter().map(|credential| format!("{prefix}{}", credential.name));
    let lost: Vec<String> = names.filter(|name| !there.contains(name)).collect();
    let observed = format!("{} are not, and there is {}", some(&lost), some(&there));
    expect(lost.is_empty(), format!("the secrets are in {loaded}"), observed)?;

    let written = host.machine.run(&format!("{service} sh -c 'echo x >{loaded}/x'")).await?;
    expect(!written.success(), format!("the service cannot write to {loaded}"), written)?;
    for credential in &order.credentials {
        let (file, source) =
            (format!("{loaded}/{prefix}{}", credential.name), secrets.join(&credential.name));
        let compared =
            host.machine.run(&format!("{service} cat {file} | cmp - {}", source.display())).await?;
        expect(
            compared.success(),
            format!("the service reads {file}, and it is equal to {}", source.display()),
            compared,
        )?;
        private(&*host.machine, user, &file).await?;
        host.keeps(&source).await?;
    }
    Ok(())
}

pub fn host_isolated() -> Check {
    let written_into_the_unit = "rm -rf \"$from\"\n\
        unit=/etc/systemd/system/microvm@test-vm.service.d/value.conf\n\
        printf '[Service]\\nSetCredential=host-api-key:%s\\n' \"$(cat \"$to/api-key\")\" >\"$unit\"\n\
        chmod 644 \"$unit\"\n\
        systemctl daemon-reload\n";
    Check::must(
        "credentials.host-isolated",
        flow("Security Isolation Layers"),
        "No other user reads them; they are gone when the unit stops.",
        host_isolated_holds,
    )
    .needs([Need::Undo])
    .mutant_of(
        HOST,
        "SetCredential with the value in the unit file",
        [Edit::replace(INSTALL, "rm -rf \"$from\"\n", written_into_the_unit)],
    )
}

async fn host_isolated_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let host = Host::with(trial, &order).await?;
    host.start().await?;
    // All that somebody gets to see of the service, kept as a file so that no secret is in a transcript.
    let (unit, loaded) = (&host.settings.unit, host.settings.loaded());
    let look = format!(
        "{{ cat {loaded}/* {}/*; systemctl cat {unit}; systemctl show {unit}; \
         grep -rhs '' /etc/systemd /run/systemd/system; }} 2>/dev/null",
        host.settings.secrets.display()
    );
    host.machine.run(&format!("{SOMEBODY} sh -c \"{look}\" >/run/seen")).await?;
    let seen = host.machine.read(Path::new("/run/seen")).await?;
    if !contains(&seen, b"ExecStart") {
        return Err(Stop::Broken(format!("somebody does not even see the unit: {}", bytes(&seen))));
    }
    for credential in &order.credentials {
        let read = contains(&seen, &credential.value);
        let expected = format!("another user does not read {}", credential.name);
        expect(!read, expected, "it is among what files and systemd show")?;
    }

    let stopped = host.machine.run(&format!("systemctl stop {unit}")).await?;
    expect(stopped.success(), format!("{unit} stops"), stopped)?;
    let left = host.machine.run(&format!("ls -A {loaded} 2>/dev/null")).await?.text();
    let left: Vec<String> = left.lines().map(str::to_owned).collect();
    expect(left.is_empty(), format!("nothing is left of {loaded} when the unit has stopped"), some(&left))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
