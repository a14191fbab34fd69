//! Credentials in the guest's firmware tables.

use std::path::Path;

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Stop, Touches, Trial, expect};
use smbioslib::{SMBiosData, SMBiosOemStrings};

use super::chain::{Order, deliver};
use super::runner::{RUNNER, shown};
use super::{CLOUD_HYPERVISOR, HOST, X86_64};
use crate::microvm::{flow, loading};

/// The table as the firmware made it.
const TABLE: &str = "/sys/firmware/dmi/tables/DMI";

pub const SMBIOS_TABLE: Check = Check {
    invariant: Invariant {
        id: "credentials.smbios-table",
        level: Level::Must,
        statement: "The guest's DMI table, read raw, has exactly the expected type 11 strings, in order.",
        source: loading("Phase 5"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(smbios_table(trial)),
    mutants: &[Mutant {
        name: "one string lost",
        stage: Some(HOST),
        boots: true,
        edits: &[Edit::Replace {
            path: RUNNER,
            from: "exec \"$HYPERVISOR\" \"${options[@]}\"",
            to: "exec \"$HYPERVISOR\" \"${options[@]:2}\"",
        }],
    }],
};

async fn smbios_table(trial: &Trial) -> Outcome {
    if trial.variant() == Some(CLOUD_HYPERVISOR) {
        return Err(Stop::Skipped(match trial.stage(X86_64)?.is_accelerated() {
            true => "assay's machines are QEMU's: it starts no guest under cloud-hypervisor".into(),
            false => "cloud-hypervisor needs KVM, under which no guest runs on this host".into(),
        }));
    }
    let order = Order::documented(trial)?;
    let guest = deliver(trial, &order).await?;
    let table = SMBiosData::from_vec_and_version(guest.read(Path::new(TABLE)).await?, None);
    let strings: Vec<Vec<u8>> = table
        .collect::<SMBiosOemStrings>()
        .iter()
        .flat_map(|structure| structure.oem_strings().iter().cloned().collect::<Vec<_>>())
        .collect();
    let expected = order.strings();
    expect(strings == expected, format!("type 11 has {}", shown(&expected)), shown(&strings))
}

pub const SMBIOS_ROOT_ONLY: Check = Check {
    invariant: Invariant {
        id: "credentials.smbios-root-only",
        level: Level::Must,
        statement: "An unprivileged guest user cannot read them from firmware tables or credentials.",
        source: flow("Security Boundary Analysis"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(smbios_root_only(trial)),
    mutants: &[Mutant {
        name: "udev rule that opens them",
        stage: None,
        boots: true,
        edits: &[Edit::Write {
            path: "/etc/udev/rules.d/99-open.rules",
            content: "SUBSYSTEM==\"block\", RUN+=\"/bin/chmod a+r /sys/firmware/dmi/tables/DMI\"\n",
        }],
    }],
};

async fn smbios_root_only(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let guest = deliver(trial, &order).await?;
    // Root looks only where they were delivered: what else QEMU hands to a guest is read byte by byte, for a minute.
    for (who, prefix, tables, sees) in [
        ("root", "", "/sys/firmware/dmi", true),
        ("a user", "setpriv --reuid=user --regid=user --clear-groups --", "/sys/firmware", false),
    ] {
        let look = format!("find {tables} /run/credentials -type f -readable -exec cat {{}} + 2>/dev/null");
        guest.run(&format!("{prefix} sh -c '{look}' >/run/seen")).await?;
        let seen = guest.read(Path::new("/run/seen")).await?;
        for credential in &order.credentials {
            let found = seen.windows(credential.value.len()).any(|window| window == credential.value);
            let verb = if sees { "finds" } else { "does not find" };
            let expected = format!("{who} {verb} {} in firmware tables and credentials", credential.name);
            let observed = format!("it is {}in {} bytes", if found { "" } else { "not " }, seen.len());
            expect(found == sees, expected, observed)?;
        }
    }
    Ok(())
}
