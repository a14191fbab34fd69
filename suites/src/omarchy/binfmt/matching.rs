//! What the interpreter takes, and how it runs it.

use std::path::Path;
use std::time::Duration;

use harness::machine::quoted;
use harness::{Check, Edit, Need, Outcome, Output, Status, Trial, expect};

use super::RESTART;
use super::interpreted::{bring, is_interpreted};
use super::program::{AARCH64, ET_DYN, ET_EXEC, I386, X86_64, elf, exit, exit_with_euid, put};
use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn matches_x86_64_only(omarchy: &Omarchy) -> Check {
    // In the handler's file the interpreter comes after the mask.
    let interpreter = omarchy.interpreter();
    let next = interpreter.split('/').nth(1).unwrap_or_default();
    let mask = |from: &str, to: &str| {
        Edit::replace(omarchy.file.handler.clone(), format!("{from}:/{next}"), format!("{to}:/{next}"))
    };
    Check::must(
        "binfmt.matches-x86-64-only",
        document("Phase 3, 3.1"),
        "It takes x86-64 ELF executables, both ET_EXEC and ET_DYN, and leaves aarch64, i386 and shell \
         scripts alone.",
        matches_x86_64_only_holds,
    )
    .needs([Need::Undo, Need::Drives])
    .mutant("mask too wide (machine field)", [mask(r"\xfe\xff\xff\xff", r"\xfe\xff\x00\x00")])
    .mutant("mask that misses PIE", [mask(r"\xfe\xff\xff\xff", r"\xff\xff\xff\xff")])
}

/// Bash's own exit status for a file that nothing can execute.
const NOT_EXECUTABLE: i32 = 126;

async fn matches_x86_64_only_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine_without_drives().await?);
    let programs = [
        ("an aarch64 program", "aarch64", elf(AARCH64, ET_EXEC, AARCH64_EXIT_45), 45),
        ("a shell script", "script", b"#!/bin/sh\nexit 7\n".to_vec(), 7),
        ("an x86-64 ET_EXEC program", "exec", elf(X86_64, ET_EXEC, &exit(42)), 42),
        ("an x86-64 ET_DYN program", "pie", elf(X86_64, ET_DYN, &exit(43)), 43),
        (
            "an i386 program, which nothing here can run,",
            "i386",
            elf(I386, ET_EXEC, &exit(44)),
            NOT_EXECUTABLE,
        ),
    ];
    let mut script = format!(". {}\n{}", bring(&*machine).await?, registered(&omarchy));
    for (_, name, content, _) in &programs {
        let path = put(&*machine, name, content).await?;
        let is_taken = content.get(18..20) == Some(&X86_64.to_le_bytes());
        let run = if is_taken { format!("interpreted {} '' {path}", omarchy.interpreter()) } else { path };
        script.push_str(&format!("{run}; echo {name} $?\n"));
    }

    // A handler that takes too much takes every program on the machine, so the shell that runs these is
    // started before the share is plugged in, and needs no other.
    let script = format!("bash -c {}", quoted(&script));
    let (ran, plugged) = tokio::join!(machine.run_within(&script, SLOW), machine.plug(&omarchy.drive));
    plugged?;
    let ran = ran?;
    let text = ran.text();
    for (what, name, _, expected) in programs {
        let status = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<i32>().ok());
        expect(
            status == Some(expected),
            format!("{what} ends with {}", Status::Exit(expected)),
            status.map_or_else(|| ran.to_string(), |status| format!("{}; {ran}", Status::Exit(status))),
        )?;
    }
    Ok(())
}

/// Waits with nothing but the shell itself, up to a minute of the guest for the share and fifteen seconds for the
/// handler. That somebody registers it then is another invariant: here it is only to be there.
fn registered(omarchy: &Omarchy) -> String {
    let (interpreter, registered) = (omarchy.interpreter(), omarchy.registered());
    format!(
        "exec {{never}}<> <(:)\n\
        within() {{ until [ -e $2 ] || [ $SECONDS -ge $1 ]; do read -t 0.1 -u $never; done; }}\n\
        within 60 {interpreter}\n\
        within $((SECONDS + 15)) {registered}\n\
        [ -e {registered} ] || {RESTART}\n"
    )
}

/// A minute of a guest can be a long one.
const SLOW: Duration = Duration::from_secs(300);

/// `mov x0, #45; mov x8, #93 (exit); svc #0`.
const AARCH64_EXIT_45: &[u8] = &[0xa0, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4];

pub fn flags(omarchy: &Omarchy) -> Check {
    let handler = &omarchy.file.handler;
    Check::hazard(
        "binfmt.flags",
        document("Boot-Time Dependencies, 4; Phase 3, 3.1"),
        "It executes programs inside a chroot or mount namespace without the share visible, as a sandboxed \
         build of Nix's is (flag F), and with the credentials that they are due (C). The document names no \
         flags; whether argv[0] is kept (P) is left open.",
        flags_holds,
    )
    .needs([])
    .mutant(":PC", [Edit::replace(handler.clone(), ":PFC", ":PC"), Edit::run(RESTART)])
    .mutant(":PF", [Edit::replace(handler.clone(), ":PFC", ":PF"), Edit::run(RESTART)])
    .mutant("another handler for x86_64 registered after it", [omarchy.second_handler()])
}

async fn flags_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);

    let program = machine.bring("exit", &elf(X86_64, ET_EXEC, &exit(42))).await?;
    let interpreted = omarchy.interpreted(&bring(&*machine).await?, "", "./program");
    let executed = machine.run(&aside(&program, &interpreted)).await?;
    ends_with("an x86_64 program that the interpreter executes", &executed, 42)?;
    let jailed = machine.run(&aside(&program, "chroot . /program </dev/null")).await?;
    ends_with("an x86_64 program in a chroot without the share (F)", &jailed, 42)?;
    let unmounted = format!("umount {} && exec ./program </dev/null", omarchy.share);
    let unshared = machine.run(&aside(&program, &unmounted)).await?;
    ends_with("an x86_64 program in a mount namespace without the share (F)", &unshared, 42)?;

    let program = machine.bring("euid", &elf(X86_64, ET_EXEC, &exit_with_euid())).await?;
    let as_user = format!("chmod 4755 program && exec {}", omarchy.run_by_user("./program"));
    let as_user = machine.run(&aside(&program, &as_user)).await?;
    let what =
        format!("the effective user of a set-user-id-root program started by user {} (C)", omarchy.uid);
    ends_with(&what, &as_user, 0)
}

/// Does this where a copy of a program is `./program`, on a file system that nobody else sees and that goes with it: where a
/// program is brought to may be mounted so that none is executed, or none as its owner.
fn aside(program: &Path, command: &str) -> String {
    let program = quoted(&program.to_string_lossy());
    let copy = format!(
        "mount -t tmpfs -o mode=755 assay /dev/shm && cd /dev/shm && cp {program} program && \
         chmod 755 program && {command}"
    );
    format!("unshare --mount sh -c {}", quoted(&copy))
}

pub fn executes(omarchy: &Omarchy) -> Check {
    let (file, unit) = (&omarchy.file.share, &omarchy.unit.share);
    Check::must(
        "binfmt.executes",
        document("Phase 3, 3.1"),
        "An x86_64 program, dynamic and static, is executed by the interpreter on the share and returns its \
         own exit code.",
        executes_holds,
    )
    .needs([])
    .mutant(
        "stand-in interpreter not executable",
        [
            Edit::replace(file.clone(), "\"ro,X-mount.subdir=", "\"ro,noexec,X-mount.subdir="),
            Edit::run(format!("systemctl restart {unit}")),
        ],
    )
    .mutant("another handler for x86_64 registered after it", [omarchy.second_handler()])
}

async fn executes_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let shell = &omarchy.program.shell;
    is_interpreted(&*machine, &omarchy, "a dynamic x86_64 program", "exit 42", shell, 42).await?;
    let shell = omarchy.static_shell();
    is_interpreted(&*machine, &omarchy, "a static x86_64 program", "exit 43", &shell, 43).await
}

fn ends_with(what: &str, output: &Output, status: i32) -> Outcome {
    let expected = format!("{what} ends with {}", Status::Exit(status));
    expect(output.status == Status::Exit(status), expected, output)
}
