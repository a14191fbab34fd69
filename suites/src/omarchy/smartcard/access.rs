//! Who reaches the daemon.

use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};

use super::DAEMON;
use super::client::{Client, found_by};
use super::piv::select_piv;
use super::reader::{insert, token};
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::settings::{Omarchy, Pcscd, omarchy};
use crate::omarchy::{DAEMON_RELOAD, document};

pub fn connect_through_symlink(omarchy: &Omarchy) -> Check {
    let socket = &omarchy.pcscd.socket;
    Check::must(
        "smartcard.connect-through-symlink",
        document("Critical Path for pcscd"),
        "A client of another architecture than the daemon connects through the symlink, and through \
         `PCSCLITE_CSOCK_NAME`, and lists readers.",
        connect_through_symlink_holds,
    )
    .needs([Need::Undo])
    .mutant("symlink missing", [Edit::remove(omarchy.pcscd.link.clone())])
    .mutant(
        "socket mode 0600",
        [
            Edit::write("/etc/systemd/system/pcscd.socket.d/mode.conf", "[Socket]\nSocketMode=0600\n"),
            DAEMON_RELOAD,
            Edit::run("systemctl restart pcscd.socket"),
        ],
    )
    .mutant(
        "wrappers with another PCSCLITE_CSOCK_NAME",
        [Edit::replace(
            omarchy.file.environment.clone(),
            format!("PCSCLITE_CSOCK_NAME={socket}\n"),
            "PCSCLITE_CSOCK_NAME=/run/pcscd.comm\n",
        )],
    )
}

async fn connect_through_symlink_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_programs(trial).await.map_err(Stop::undecided)?);
    let Pcscd { link, reader, .. } = &omarchy.pcscd;
    Client::X86_64.finds_the_reader(&*machine, &omarchy, link).await?;
    for process in processes(&*machine, &omarchy) {
        let readers = found_by(&process).await?;
        let expected = format!(
            "{}: its program finds the reader {reader:?} through PCSCLITE_CSOCK_NAME",
            process.wrapper
        );
        expect(readers.keys().any(|name| name.contains(reader)), expected, format!("{readers:?}"))?;
    }
    Ok(())
}

/// Step 5.3's override.
const OVERRIDE: &str = "/etc/systemd/system/pcscd.service.d/override.conf";

pub fn no_polkit_refusal() -> Check {
    let rule = "polkit.addRule(function(action, subject) {\n    \
                if (action.id == \"org.debian.pcsc-lite.access_pcsc\") { return polkit.Result.YES; }\n});\n";
    Check::must(
        "smartcard.no-polkit-refusal",
        document("Phase 5, 5.3"),
        "An unprivileged user without a seat lists the readers and opens the card in one (polkit off for \
         pcscd), and the override keeps exactly one ExecStart.",
        no_polkit_refusal_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant("no override", [Edit::remove(OVERRIDE), DAEMON_RELOAD])
    .mutant(
        "override without clearing ExecStart",
        [Edit::replace(OVERRIDE, "ExecStart=\n", ""), DAEMON_RELOAD],
    )
    .mutant(
        "a polkit rule for the daemon instead, and none for the card",
        [
            Edit::write("/etc/polkit-1/rules.d/50-pcsc.rules", rule),
            Edit::replace(OVERRIDE, " --disable-polkit", ""),
            DAEMON_RELOAD,
        ],
    )
}

async fn no_polkit_refusal_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let unit = machine.run(&format!("systemctl show --property=LoadState,ExecStart {DAEMON}")).await?;
    let unit = unit.text();
    let starts = unit.lines().filter(|line| line.starts_with("ExecStart=")).count();
    let one = unit.lines().any(|line| line == "LoadState=loaded") && starts == 1;
    expect(one, format!("{DAEMON} is loaded with exactly one ExecStart"), &unit)?;

    Client::Native.finds_the_reader(&*machine, &omarchy, &omarchy.pcscd.socket).await?;
    let token = token(trial).await?;
    let _card = insert(trial, &token, &*machine).await?;
    select_piv(&*machine, &omarchy).await
}
