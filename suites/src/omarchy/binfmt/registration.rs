//! Whether the interpreter is registered, and stays so.

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use super::handler::{INTERPRETER, described, handlers, taking};
use super::interpreted::{STATIC, is_interpreted};
use super::program::{ET_EXEC, X86_64, elf, exit};
use super::share::late_and_late_again;
use super::{CONF, RESTART, SECOND_HANDLER, handler};
use crate::omarchy::{DAEMON_RELOAD, document};

pub fn registered() -> Check {
    Check::must(
        "binfmt.registered",
        document("Phase 3, 3.1"),
        "After boot with the share present, the handler `rosetta` is enabled with the interpreter \
         `/mnt/psf/RosettaLinux/rosetta`, and it executes x86_64 programs.",
        is_registered,
    )
    .needs([Need::Undo])
    .mutant("no rosetta.conf", [Edit::remove(CONF), Edit::run(RESTART)])
    .mutant(
        "conf under another name",
        [Edit::replace(CONF, ":rosetta:M:", ":rosetta2:M:"), Edit::run(RESTART)],
    )
    .mutant(
        "interpreter path /media/psf/...",
        [
            Edit::replace(CONF, ":/mnt/psf/", ":/media/psf/"),
            // That nothing is there is an error of systemd-binfmt's, as it would be at a boot.
            Edit::run("! systemctl restart systemd-binfmt.service"),
        ],
    )
    .mutant("another handler for x86_64 registered after it", [SECOND_HANDLER])
}

async fn is_registered(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let handlers = handlers(&*machine).await?;
    let is_ours = |handler: &handler::Handler| {
        handler.name == "rosetta" && handler.enabled && handler.interpreter == INTERPRETER
    };
    expect(
        handlers.iter().any(is_ours),
        format!("handler \"rosetta\", enabled, with interpreter {INTERPRETER:?}"),
        described(&handlers),
    )?;
    is_interpreted(&*machine, "a static x86_64 program", "exit 42", STATIC, 42).await
}

pub fn restart_idempotent() -> Check {
    Check::must(
        "binfmt.restart-idempotent",
        document("Phase 3, 3.1"),
        "Restarting systemd-binfmt by hand, repeatedly and concurrently, ends registered once.",
        restart_is_idempotent,
    )
    .needs([Need::Undo])
    .mutant(
        "a drop-in that registers a second, conflicting handler",
        [
            Edit::write(
                "/etc/systemd/system/systemd-binfmt.service.d/another.conf",
                "[Service]\nExecStartPost=/bin/sh -c 'test -e /proc/sys/fs/binfmt_misc/another || \
                 echo \":another:M:18:>\\\\x00::/mnt/psf/RosettaLinux/rosetta:F\" \
                 >/proc/sys/fs/binfmt_misc/register'\n",
            ),
            DAEMON_RELOAD,
        ],
    )
}

async fn restart_is_idempotent(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    for restarts in [
        format!("{RESTART} && {RESTART} && {RESTART}"),
        format!("for i in 1 2 3 4; do {RESTART} & done; wait"),
    ] {
        // How they end is nothing to go by: a line that systemd-binfmt cannot read makes it fail, whosever it is.
        let restarted = machine.run(&restarts).await?;
        let taking = taking(&*machine, &elf(X86_64, ET_EXEC, &exit(0))).await?;
        let once = matches!(&taking[..], [handler] if handler.interpreter == INTERPRETER);
        let expected = format!("one handler for x86-64 programs, with interpreter {INTERPRETER:?}");
        expect(once, expected, format!("{}; the restarts: {restarted}", described(&taking)))?;
        is_interpreted(&*machine, "a static x86_64 program", "exit 42", STATIC, 42).await?;
    }
    Ok(())
}

pub fn survives_reboots() -> Check {
    Check::must(
        "binfmt.survives-reboots",
        document("Race Conditions and Mitigations, 1"),
        "N reboots with randomised mount delays: registered each time.",
        late_and_late_again,
    )
    .needs([Need::Undo, Need::Boot, Need::Drives, Need::Sockets])
    .mutant(
        "a runtime-only registration",
        [Edit::run("mkdir -p /run/binfmt.d && mv /etc/binfmt.d/rosetta.conf /run/binfmt.d/")],
    )
}
