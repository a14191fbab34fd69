//! How the daemon starts.

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use super::client::Client;
use super::{DAEMON, DAEMON_SOCKET};
use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn socket_activated(omarchy: &Omarchy) -> Check {
    let socket = &omarchy.pcscd.socket;
    Check::must(
        "smartcard.socket-activated",
        document("Phase 5, 5.3"),
        format!("pcscd.socket is enabled; the first client starts pcscd at `{socket}`."),
        socket_activated_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant("socket disabled", [Edit::run("systemctl disable --now pcscd.socket")])
}

async fn socket_activated_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let systemd = machine.systemd().await?;
    let listening = systemd.active_state(DAEMON_SOCKET).await?;
    expect(listening == "active", format!("{DAEMON_SOCKET} is active after boot"), listening)?;
    let enabled = machine.run(&format!("systemctl is-enabled {DAEMON_SOCKET}")).await?;
    expect(enabled.text() == "enabled", format!("{DAEMON_SOCKET} is enabled"), enabled)?;

    let before = systemd.active_state(DAEMON).await?;
    expect(before == "inactive", format!("{DAEMON} is inactive before the first client"), before)?;
    Client::Native.finds_the_reader(&*machine, &omarchy, &omarchy.pcscd.socket).await?;
    let after = systemd.active_state(DAEMON).await?;
    expect(after == "active", format!("the first client starts {DAEMON}"), after)
}
