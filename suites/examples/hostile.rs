//! A catalogue of checks that go wrong on purpose, for the tests of the program itself: what it does when a
//! check panics, a guest dies or floods it, or a mutant changes nothing.

use std::process::ExitCode;
use std::time::Duration;

use harness::{Check, Edit, Invariant, Level, Mutant, Outcome, Source, Suite, Trial};

fn main() -> ExitCode {
    harness::cli::main(&[Suite { target: "omarchy", name: "hostile", checks: CHECKS }])
}

const CHECKS: &[Check] = &[
    Check {
        mutants: &[
            Mutant {
                name: "changes-nothing",
                stage: None,
                boots: true,
                edits: &[Edit::Run { command: "true" }],
            },
            Mutant {
                name: "cannot-be-made",
                stage: None,
                boots: true,
                edits: &[Edit::Run { command: "exit 9" }],
            },
        ],
        ..check("hostile.quiet", |trial| Box::pin(quiet(trial)))
    },
    check("hostile.waits", |trial| Box::pin(waits(trial))),
    check("hostile.panics", |trial| Box::pin(panics(trial))),
    check("hostile.panics-early", |_| panic!("before it began")),
    check("hostile.fells-the-harness", |trial| Box::pin(fells_the_harness(trial))),
    check("hostile.kernel-panic", |trial| Box::pin(kernel_panic(trial))),
    check("hostile.poweroff", |trial| Box::pin(poweroff(trial))),
    check("hostile.prints", |trial| Box::pin(prints(trial))),
    check("hostile.floods", |trial| Box::pin(floods(trial))),
    check("hostile.floods-console", |trial| Box::pin(floods_console(trial))),
];

const fn check(id: &'static str, run: harness::CheckFn) -> Check {
    let source = Source { document: "hostile.rs", section: "none" };
    let statement = "The harness survives this.";
    let invariant = Invariant { id, level: Level::Must, statement, source, variant: None };
    Check { invariant, needs: &[], run, mutants: &[] }
}

async fn quiet(trial: &Trial) -> Outcome {
    trial.machine().await?.succeed("true").await?;
    Ok(())
}

/// Long enough for a test to do something to it meanwhile.
async fn waits(trial: &Trial) -> Outcome {
    trial.machine().await?.run_within("echo waiting; sleep 300", Duration::from_secs(300)).await?;
    Ok(())
}

async fn panics(trial: &Trial) -> Outcome {
    trial.machine().await?;
    panic!("a fault of the check");
}

/// A panic whose message panics in turn when it is dropped, where nobody catches it.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a fault of the harness");
    }
}

async fn fells_the_harness(trial: &Trial) -> Outcome {
    trial.machine().await?;
    std::panic::panic_any(Bomb);
}

async fn kernel_panic(trial: &Trial) -> Outcome {
    let command = "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger";
    trial.machine().await?.run_within(command, Duration::from_secs(300)).await?;
    Ok(())
}

async fn poweroff(trial: &Trial) -> Outcome {
    let command = "systemctl poweroff --force --force; sleep 300";
    trial.machine().await?.run_within(command, Duration::from_secs(300)).await?;
    Ok(())
}

/// As much as a command may print, of what no terminal and no XML parser should see.
async fn prints(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    machine.run("head -c 4000000 /dev/urandom").await?;
    let nasty = r#"printf '\033[2J\033]0;owned\007]]></system-out><testcase name="forged"/>\376\r\202'"#;
    machine.run(&format!("{nasty} >/dev/kmsg; {nasty} >/dev/console; {nasty}; {nasty} >&2")).await?;
    let seen = machine.succeed(nasty).await?;
    harness::violated("nothing of the kind", seen)
}

/// More than a command may print.
async fn floods(trial: &Trial) -> Outcome {
    trial.machine().await?.run("head -c 20000000 /dev/urandom").await?;
    Ok(())
}

async fn floods_console(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    machine.succeed("head -c 1000000 /dev/urandom >/dev/console; echo the end >/dev/console").await?;
    harness::violated("silence", "noise")
}
