//! Who reaches the daemon.

use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};

use super::client::{NATIVE, X86_64, found_by};
use super::piv::select_piv;
use super::reader::{insert, token};
use super::{DAEMON, READER, SOCKET, SYMLINK};
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::{DAEMON_RELOAD, document};

pub fn connect_through_symlink() -> Check {
    Check::must(
        "smartcard.connect-through-symlink",
        document("Critical Path for pcscd"),
        "A client of another architecture than the daemon connects through the symlink, and through \
         `PCSCLITE_CSOCK_NAME`, and lists readers.",
        connect_through_symlink_holds,
    )
    .needs([Need::Undo])
    .mutant("symlink missing", [Edit::remove(SYMLINK)])
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
            "/usr/local/lib/library-layer/environment",
            "PCSCLITE_CSOCK_NAME=/run/pcscd/pcscd.comm\n",
            "PCSCLITE_CSOCK_NAME=/run/pcscd.comm\n",
        )],
    )
}

async fn connect_through_symlink_holds(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await.map_err(Stop::undecided)?;
    X86_64.finds_the_reader(&*machine, SYMLINK).await?;
    for process in processes(&*machine) {
        let readers = found_by(&process).await?;
        let expected = format!(
            "{}: its program finds the reader {READER:?} through PCSCLITE_CSOCK_NAME",
            process.wrapper
        );
        expect(readers.keys().any(|name| name.contains(READER)), expected, format!("{readers:?}"))?;
    }
    Ok(())
}

/// Step 5.3's override.
const OVERRIDE: &str = "/etc/systemd/system/pcscd.service.d/override.conf";

pub fn no_polkit_refusal() -> Check {
    Check::must("smartcard.no-polkit-refusal", document("Phase 5, 5.3"), "An unprivileged user without a \
                                                                          seat lists the readers and opens \
                                                                          the card in one (polkit off for \
                                                                          pcscd), and the override keeps \
                                                                          exactly one ExecStart.", no_polkit_refusal_holds)
.needs([Need::Undo, Need::Sockets, Need::Token])
.mutant("no override", [Edit::remove(OVERRIDE), DAEMON_RELOAD])
.mutant("override without clearing ExecStart", [Edit::replace(OVERRIDE, "ExecStart=\n", ""), DAEMON_RELOAD])
.mutant("a polkit rule for the daemon instead, and none for the card", [Edit::write("/etc/polkit-1/rules.d/50-pcsc.rules", "polkit.addRule(function(action, subject) {\n    \
                              if (action.id == \"org.debian.pcsc-lite.access_pcsc\") { return polkit.Result.YES; }\n\
                              });\n"), Edit::replace(OVERRIDE, " --disable-polkit", ""), DAEMON_RELOAD])
}

async fn no_polkit_refusal_holds(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let unit = machine.run(&format!("systemctl show --property=LoadState,ExecStart {DAEMON}")).await?;
    let unit = unit.text();
    let starts = unit.lines().filter(|line| line.starts_with("ExecStart=")).count();
    let one = unit.lines().any(|line| line == "LoadState=loaded") && starts == 1;
    expect(one, format!("{DAEMON} is loaded with exactly one ExecStart"), &unit)?;

    NATIVE.finds_the_reader(&*machine, SOCKET).await?;
    let token = token(trial).await?;
    let _card = insert(trial, &token, &*machine).await?;
    select_piv(&*machine).await
}
