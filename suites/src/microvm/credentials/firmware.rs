//! Credentials in the guest's firmware tables.

use std::path::Path;

use harness::machine::qemu::{OemStrings, Smbios};
use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect};
use smbioslib::{SMBiosData, SMBiosOemStrings};

use super::chain::{Order, deliver, guests};
use super::runner::RUNNER;
use super::strings::{carry, some};
use super::{CLOUD_HYPERVISOR, HOST, X86_64};
use crate::microvm::{flow, loading};

/// The table as the firmware made it.
const TABLE: &str = "/sys/firmware/dmi/tables/DMI";

pub fn smbios_table() -> Check {
    Check::must(
        "credentials.smbios-table",
        loading("Phase 5"),
        "The guest's DMI table, read raw, has each of the expected type 11 strings, once.",
        smbios_table_holds,
    )
    .needs([Need::Undo, Need::Strings])
    .mutant_of(
        HOST,
        "one string lost",
        [Edit::replace(
            RUNNER,
            "list=$(IFS=, && echo \"${strings[*]}\")",
            "list=$(IFS=, && echo \"${strings[*]:1}\")",
        )],
    )
}

async fn smbios_table_holds(trial: &Trial) -> Outcome {
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
    carry(&order, &strings)
}

pub fn smbios_root_only() -> Check {
    Check::must(
        "credentials.smbios-root-only",
        flow("Security Boundary Analysis"),
        "An unprivileged guest user cannot read them from firmware tables or credentials.",
        smbios_root_only_holds,
    )
    .needs([Need::Undo, Need::Strings])
    .mutant_at_boot(
        "udev rule that opens them",
        [Edit::write(
            "/etc/udev/rules.d/99-open.rules",
            "SUBSYSTEM==\"block\", RUN+=\"/bin/chmod a+r /sys/firmware/dmi/tables/DMI\"\n",
        )],
    )
}

async fn smbios_root_only_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    // Whatever the host makes of them: this is about who can read what has arrived.
    let given = order.delivered().into_iter();
    let strings =
        given.map(|(name, value)| [b"io.systemd.credential:", name.as_bytes(), b"=", &value].concat());
    let smbios = Smbios::new(strings.map(|string| OemStrings::one(&string)).collect());
    let guest = guests(trial)?.machine_with(&smbios).await?;
    // Root looks only where they were delivered: what else QEMU hands to a guest is read byte by byte, for a minute.
    let root = finds(&*guest, "", "/sys/firmware/dmi", &order).await?;
    if root.len() < order.credentials.len() {
        let told = format!("the guest has not got them: root finds {} in firmware tables", some(&root));
        return Err(Stop::Broken(told));
    }
    let user = "setpriv --reuid=user --regid=user --clear-groups --";
    let user = finds(&*guest, user, "/sys/firmware", &order).await?;
    let expected = "a user finds no secret in firmware tables and credentials";
    expect(user.is_empty(), expected, some(&user))
}

/// The credentials whose values are in what somebody can read of firmware tables and of credentials.
async fn finds(guest: &dyn Machine, prefix: &str, tables: &str, order: &Order) -> Result<Vec<String>, Stop> {
    let look =
        format!("echo looked; find {tables} /run/credentials -type f -readable -exec cat {{}} + 2>/dev/null");
    guest.run(&format!("{prefix} sh -c '{look}' >/run/seen")).await?;
    let seen = guest.read(Path::new("/run/seen")).await?;
    if !seen.starts_with(b"looked\n") {
        return Err(Stop::Broken(format!("no command runs in the guest with {prefix:?}")));
    }
    let found = |value: &[u8]| seen.windows(value.len()).any(|window| window == value);
    let found = order.credentials.iter().filter(|credential| found(&credential.value));
    Ok(found.map(|credential| credential.name.clone()).collect())
}
