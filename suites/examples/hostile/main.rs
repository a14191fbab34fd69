//! A catalogue of checks that go wrong on purpose, for the tests of the program itself: what it does when a
//! check panics, a guest dies or floods it, or a mutant changes nothing.

use std::process::ExitCode;
use std::time::Duration;

use harness::{Check, Decide, Edit, Outcome, Source, Suite, Trial};

const CATALOGUE: &[Suite] = &[Suite::new("omarchy", "hostile", |_| Ok(checks()))];

fn main() -> ExitCode {
    harness::cli::main(CATALOGUE)
}

fn checks() -> Vec<Check> {
    vec![
        check("hostile.quiet", quiet)
            .mutant_at_boot("changes-nothing", [Edit::run("true")])
            .mutant_at_boot("cannot-be-made", [Edit::run("exit 9")]),
        check("hostile.waits", waits),
        check("hostile.panics", panics),
        check("hostile.panics-early", panics_early),
        check("hostile.fells-the-harness", fells_the_harness),
        check("hostile.kernel-panic", kernel_panic),
        check("hostile.poweroff", poweroff),
        check("hostile.prints", prints),
        check("hostile.floods", floods),
        check("hostile.floods-console", floods_console),
    ]
}

fn check(id: &'static str, decide: impl for<'t> Decide<'t> + Send + Sync + 'static) -> Check {
    Check::must(id, Source::new("hostile.rs", "none"), "The harness survives this.", decide)
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

/// Before there is anything to wait for.
fn panics_early(_: &Trial) -> std::future::Ready<Outcome> {
    panic!("before it began")
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
