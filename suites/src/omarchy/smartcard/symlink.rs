//! The link that clients of another architecture take for the daemon's socket.

use std::time::Duration;

use harness::{Check, Edit, Machine, Need, Outcome, Trial, expect};

use super::client::Client;
use super::{DAEMON, DAEMON_SOCKET};
use crate::omarchy::settings::{Omarchy, Pcscd, omarchy};
use crate::omarchy::{DAEMON_RELOAD, document};

pub fn symlink_at_boot(omarchy: &Omarchy) -> Check {
    let (Pcscd { socket, link, .. }, tmpfiles) = (&omarchy.pcscd, &omarchy.file.link);
    let name = socket.rsplit('/').next().unwrap_or(socket);
    Check::must(
        "smartcard.symlink-at-boot",
        document("Phase 5, 5.3; Critical Path for pcscd"),
        format!("After every boot `{link}` is a symlink that resolves to the listening socket."),
        symlink_at_boot_holds,
    )
    // A client that lists readers starts the daemon, as in use, and that ends by itself.
    .needs([])
    .mutant_at_boot(
        "link made once by hand, no tmpfiles entry",
        [Edit::remove(tmpfiles.clone()), Edit::run(format!("ln -sfn {name} {link}"))],
    )
    .mutant_at_boot(
        "link to another name",
        [Edit::replace(tmpfiles.clone(), format!("- {name}"), "- pcscd.socket")],
    )
    .mutant_at_boot(
        "regular file instead",
        [Edit::replace(
            tmpfiles.clone(),
            format!("L+ {link} - - - - {name}"),
            format!("f {link} 0666 root root - {name}"),
        )],
    )
}

async fn symlink_at_boot_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    leads_to_the_daemon(&*machine, &omarchy, "a boot").await
}

pub fn symlink_survives() -> Check {
    Check::hazard(
        "smartcard.symlink-survives",
        document("Critical Path for pcscd"),
        "It still does after pcscd restarts, its socket restarts, pcscd exits for idleness, and tmpfiles \
         runs again.",
        symlink_survives_holds,
    )
    .needs([Need::Undo, Need::Lapse, Need::Sockets])
    .mutant(
        "a unit whose runtime directory is removed on stop",
        [
            Edit::write(
                "/etc/systemd/system/pcscd.service.d/runtime-directory.conf",
                "[Service]\nRuntimeDirectory=pcscd\n",
            ),
            DAEMON_RELOAD,
        ],
    )
}

/// The daemon exits when it has had no client for a minute.
const IDLE: Duration = Duration::from_secs(75);

async fn symlink_survives_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.time_lapse()?.machine().await?);
    for (what, command) in [
        ("a restart of the daemon", format!("systemctl restart {DAEMON}")),
        ("a restart of its socket", format!("systemctl stop {DAEMON} && systemctl restart {DAEMON_SOCKET}")),
        ("another run of tmpfiles", "systemd-tmpfiles --create".to_owned()),
    ] {
        // How it ends is nothing to go by: what there is after it is.
        machine.run(&command).await?;
        leads_to_the_daemon(&*machine, &omarchy, what).await?;
    }

    machine.lapse(IDLE).await?;
    let state = machine.systemd().await?.active_state(DAEMON).await?;
    expect(state == "inactive", format!("{DAEMON} has exited after {} idle seconds", IDLE.as_secs()), state)?;
    leads_to_the_daemon(&*machine, &omarchy, "the daemon's exit for idleness").await
}

/// The link is one, leads to the socket, and somebody answers there.
async fn leads_to_the_daemon(machine: &dyn Machine, omarchy: &Omarchy, after: &str) -> Outcome {
    let Pcscd { socket, link, .. } = &omarchy.pcscd;
    let led = machine.run(&format!("test -L {link} && realpath {link}")).await?;
    expect(led.text() == *socket, format!("after {after} {link} is a link to {socket}"), led)?;
    Client::Native.finds_the_reader(machine, omarchy, link).await
}
