//! Whether the interpreter is registered, and stays so.

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use super::handler::{described, handlers, taking};
use super::interpreted::is_interpreted;
use super::program::{ET_EXEC, X86_64, elf, exit};
use super::share::late_and_late_again;
use super::{RESTART, handler};
use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::{DAEMON_RELOAD, document};

pub fn registered(omarchy: &Omarchy) -> Check {
    let (handler, interpreter, file) = (&omarchy.handler, omarchy.interpreter(), &omarchy.file.handler);
    let shares = interpreter.rsplitn(3, '/').nth(2).unwrap_or_default();
    Check::must(
        "binfmt.registered",
        document("Phase 3, 3.1"),
        format!(
            "After boot with the share present, the handler `{handler}` is enabled with the interpreter \
             `{interpreter}`, and it executes x86_64 programs."
        ),
        is_registered,
    )
    .needs([])
    .mutant("no rosetta.conf", [Edit::remove(file.clone()), Edit::run(RESTART)])
    .mutant(
        "conf under another name",
        [
            Edit::replace(file.clone(), format!(":{handler}:M:"), format!(":{handler}2:M:")),
            Edit::run(RESTART),
        ],
    )
    .mutant(
        "interpreter path /media/psf/...",
        [
            Edit::replace(file.clone(), format!(":{shares}/"), ":/media/psf/"),
            // That nothing is there is an error of systemd-binfmt's, as it would be at a boot.
            Edit::run(format!("! {RESTART}")),
        ],
    )
    .mutant("another handler for x86_64 registered after it", [omarchy.second_handler()])
}

async fn is_registered(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let (name, interpreter, shell) = (&omarchy.handler, omarchy.interpreter(), omarchy.static_shell());
    let handlers = handlers(&*machine).await?;
    let is_ours = |handler: &handler::Handler| {
        handler.name == *name && handler.enabled && handler.interpreter == interpreter
    };
    expect(
        handlers.iter().any(is_ours),
        format!("handler {name:?}, enabled, with interpreter {interpreter:?}"),
        described(&handlers),
    )?;
    is_interpreted(&*machine, &omarchy, "a static x86_64 program", "exit 42", &shell, 42).await
}

pub fn restart_idempotent(omarchy: &Omarchy) -> Check {
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
                format!(
                    "[Service]\nExecStartPost=/bin/sh -c 'test -e /proc/sys/fs/binfmt_misc/another || \
                     echo \":another:M:18:>\\\\x00::{}:F\" \
                     >/proc/sys/fs/binfmt_misc/register'\n",
                    omarchy.interpreter()
                ),
            ),
            DAEMON_RELOAD,
        ],
    )
}

async fn restart_is_idempotent(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let (interpreter, shell) = (omarchy.interpreter(), omarchy.static_shell());
    for restarts in [
        format!("{RESTART} && {RESTART} && {RESTART}"),
        format!("for i in 1 2 3 4; do {RESTART} & done; wait"),
    ] {
        // How they end is nothing to go by: a line that systemd-binfmt cannot read makes it fail, whosever it is.
        let restarted = machine.run(&restarts).await?;
        let taking = taking(&*machine, &elf(X86_64, ET_EXEC, &exit(0))).await?;
        let once = matches!(&taking[..], [handler] if handler.interpreter == interpreter);
        let expected = format!("one handler for x86-64 programs, with interpreter {interpreter:?}");
        expect(once, expected, format!("{}; the restarts: {restarted}", described(&taking)))?;
        is_interpreted(&*machine, &omarchy, "a static x86_64 program", "exit 42", &shell, 42).await?;
    }
    Ok(())
}

pub fn survives_reboots(omarchy: &Omarchy) -> Check {
    Check::must(
        "binfmt.survives-reboots",
        document("Race Conditions and Mitigations, 1"),
        "N reboots with randomised mount delays: registered each time.",
        late_and_late_again,
    )
    .needs([Need::Undo, Need::Boot, Need::Drives, Need::Sockets])
    .mutant(
        "a runtime-only registration",
        [Edit::run(format!("mkdir -p /run/binfmt.d && mv {} /run/binfmt.d/", omarchy.file.handler))],
    )
}
