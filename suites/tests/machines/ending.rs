//! However a run ends, nothing of it stays, and the next one works.

use nix::sys::signal::Signal;
use rstest::rstest;

use crate::needs_machines;
use crate::program::{Ended, Program};

fn next_run_works() {
    let next = Program::hostile("run", &["--only", "hostile.quiet"]).run();
    assert_eq!(next.status(), Some(0), "{}", next.told());
}

/// Ends a run while its machines run.
fn ended_by(signal: Signal, whole_group: bool) -> Ended {
    let options = ["--only", "hostile.waits", "--repeat", "2", "--jobs", "2"];
    let running = Program::hostile("run", &options).start();
    running.machines(2);
    if whole_group {
        running.signal_group(signal)
    } else {
        running.signal(signal)
    }
    running.end()
}

#[rstest]
#[case::terminated(Signal::SIGTERM, false)]
#[case::interrupted(Signal::SIGINT, false)]
#[case::interrupted_at_the_terminal(Signal::SIGINT, true)]
#[case::hung_up(Signal::SIGHUP, true)]
fn an_interrupted_run_tells_so_and_leaves_nothing(#[case] signal: Signal, #[case] whole_group: bool) {
    needs_machines!();
    let ended = ended_by(signal, whole_group);
    assert_eq!(ended.status(), Some(3), "{}", ended.told());
    assert!(ended.told().contains("interrupted before the end"), "{}", ended.told());
    // The machines died of the interruption, which says nothing about the check.
    assert!(!ended.told().contains("broken"), "{}", ended.told());
    let report = ended.report();
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["undecided"][0], "hostile.waits");
    ended.left_nothing();
    next_run_works();
}

#[test]
fn a_killed_run_leaves_nothing() {
    needs_machines!();
    let ended = ended_by(Signal::SIGKILL, false);
    assert_eq!(ended.status(), None);
    ended.left_nothing();
    next_run_works();
}

#[test]
fn a_panic_of_the_program_is_told_and_leaves_nothing() {
    needs_machines!();
    let only = ["--only", "hostile.fells-the-harness", "--only", "hostile.waits"];
    let ended = Program::hostile("run", &only).run();
    assert_eq!(ended.status(), Some(3));
    let message = "assay: cannot go on, which is a fault of assay: a fault of the harness\n";
    assert!(ended.told().ends_with(message), "{}", ended.told());
    assert_eq!(ended.verdict("hostile.waits"), "broken");
    ended.left_nothing();
    next_run_works();
}

#[test]
fn two_runs_at_once_are_both_right() {
    needs_machines!();
    let run = || Program::assay(&["run", "omarchy", "--only", "binfmt.registered", "--jobs", "1"]).start();
    let (first, second) = (run(), run());
    for ended in [first.end(), second.end()] {
        assert_eq!(ended.status(), Some(0), "{}", ended.told());
        assert_eq!(ended.verdict("binfmt.registered"), "passed");
        ended.left_nothing();
    }
}
