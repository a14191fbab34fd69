//! What the interpreter takes, and how it runs it.

use std::time::Duration;

use harness::machine::quoted;
use harness::{
    Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Output, Status, Touches, Trial, expect,
};

use super::program::{AARCH64, ET_DYN, ET_EXEC, I386, X86_64, elf, exit, exit_with_euid, print_argv0, put};
use super::share::{DYNAMIC, STATIC};
use super::{CONF, RESTART, SHARE};
use crate::omarchy::{document, run_by_user};

pub const MATCHES_X86_64_ONLY: Check = Check {
    invariant: Invariant {
        id: "binfmt.matches-x86-64-only",
        level: Level::Must,
        statement: "It takes x86-64 ELF executables, both ET_EXEC and ET_DYN, and leaves aarch64, i386 and shell scripts alone.",
        source: document("Phase 3, 3.1"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(matches_x86_64_only(trial)),
    mutants: &[
        Mutant {
            name: "mask too wide (machine field)",
            stage: None,
            boots: false,
            edits: &[Edit::Replace {
                path: CONF,
                from: r"\xfe\xff\xff\xff:/mnt",
                to: r"\xfe\xff\x00\x00:/mnt",
            }],
        },
        Mutant {
            name: "mask that misses PIE",
            stage: None,
            boots: false,
            edits: &[Edit::Replace {
                path: CONF,
                from: r"\xfe\xff\xff\xff:/mnt",
                to: r"\xff\xff\xff\xff:/mnt",
            }],
        },
    ],
};

/// Bash's own exit status for a file that nothing can execute.
const NOT_EXECUTABLE: i32 = 126;

async fn matches_x86_64_only(trial: &Trial) -> Outcome {
    let machine = trial.machine_without_drives().await?;
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
    let mut runs = String::new();
    for (_, name, content, _) in &programs {
        let path = put(&*machine, name, content, 0o755).await?;
        runs.push_str(&format!("{path}; echo {name} $?\n"));
    }

    // A handler that takes too much takes every program on the machine, so the shell that runs these is
    // started before the share is plugged in, and needs no other.
    let script = format!("{WAIT_FOR_HANDLER}{runs}");
    let script = format!("bash -c {}", quoted(&script));
    let (ran, plugged) = tokio::join!(machine.run_within(&script, SLOW), machine.plug(SHARE));
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

/// Waits up to a minute of the guest with nothing but the shell itself.
const WAIT_FOR_HANDLER: &str = "\
    exec {never}<> <(:)\n\
    until [ -e /proc/sys/fs/binfmt_misc/rosetta ] || [ $SECONDS -ge 60 ]; do read -t 0.1 -u $never; done\n";

/// A minute of a guest can be a long one.
const SLOW: Duration = Duration::from_secs(300);

/// `mov x0, #45; mov x8, #93 (exit); svc #0`.
const AARCH64_EXIT_45: &[u8] = &[0xa0, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4];

pub const FLAGS: Check = Check {
    invariant: Invariant {
        id: "binfmt.flags",
        level: Level::Must,
        statement: "Flags let it work inside a chroot or mount namespace without the share visible (F), keep argv[0] (P) and keep credentials (C); observed by running programs that show it.",
        source: document("Phase 3, 3.1"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(flags(trial)),
    mutants: &[
        Mutant {
            name: ":PC",
            stage: None,
            boots: false,
            edits: &[Edit::Replace { path: CONF, from: ":PFC", to: ":PC" }, Edit::Run { command: RESTART }],
        },
        Mutant {
            name: ":FC",
            stage: None,
            boots: false,
            edits: &[Edit::Replace { path: CONF, from: ":PFC", to: ":FC" }, Edit::Run { command: RESTART }],
        },
        Mutant {
            name: ":PF",
            stage: None,
            boots: false,
            edits: &[Edit::Replace { path: CONF, from: ":PFC", to: ":PF" }, Edit::Run { command: RESTART }],
        },
    ],
};

async fn flags(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;

    put(&*machine, "jail/exit", &elf(X86_64, ET_EXEC, &exit(42)), 0o755).await?;
    let jailed = machine.run("chroot /var/lib/assay/jail /exit").await?;
    ends_with("an x86_64 program in a chroot without the share (F)", &jailed, 42)?;
    let unshared = "unshare --mount sh -c 'umount /mnt/psf/RosettaLinux && exec /var/lib/assay/jail/exit'";
    let unshared = machine.run(unshared).await?;
    ends_with("an x86_64 program in a mount namespace without the share (F)", &unshared, 42)?;

    let argv0 = put(&*machine, "argv0", &elf(X86_64, ET_EXEC, &print_argv0()), 0o755).await?;
    let named = machine.run(&format!("bash -c 'exec -a moon {argv0}'")).await?;
    let expected = "a program started as \"moon\" is told so (P)";
    expect(named.success() && named.text() == "moon", expected, &named)?;

    let setuid = put(&*machine, "euid", &elf(X86_64, ET_EXEC, &exit_with_euid()), 0o4755).await?;
    let as_user = machine.run(&run_by_user(&setuid)).await?;
    ends_with("the effective user of a set-user-id-root program started by user 1000 (C)", &as_user, 0)
}

pub const EXECUTES: Check = Check {
    invariant: Invariant {
        id: "binfmt.executes",
        level: Level::Must,
        statement: "An x86_64 program, dynamic and static, runs and returns its own exit code.",
        source: document("Phase 3, 3.1"),
        variant: None,
    },
    touches: Touches::Nothing,
    run: |trial| Box::pin(executes(trial)),
    mutants: &[Mutant {
        name: "stand-in interpreter not executable",
        stage: None,
        boots: false,
        edits: &[
            Edit::Replace {
                path: "/usr/bin/prltoolsd",
                from: "\"ro,X-mount.subdir=",
                to: "\"ro,noexec,X-mount.subdir=",
            },
            Edit::Run { command: "systemctl restart prltoolsd.service" },
        ],
    }],
};

async fn executes(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let dynamic = machine.run(&format!("{DYNAMIC} -c 'exit 42'")).await?;
    ends_with("a dynamic x86_64 program", &dynamic, 42)?;
    let fixed = machine.run(&format!("{STATIC} sh -c 'exit 43'")).await?;
    ends_with("a static x86_64 program", &fixed, 43)
}

fn ends_with(what: &str, output: &Output, status: i32) -> Outcome {
    let expected = format!("{what} ends with {}", Status::Exit(status));
    expect(output.status == Status::Exit(status), expected, output)
}
