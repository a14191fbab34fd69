//! Checks and guests that go wrong: their check is broken, the others are decided.

use std::fs;

use crate::needs_machines;
use crate::program::{Ended, Program};

/// Runs a check that goes wrong beside one that does not.
fn run_beside_a_quiet_one(id: &str) -> Ended {
    let options = ["--only", "hostile.quiet", "--only", id, "--junit", "report.xml"];
    let ended = Program::hostile("run", &options).run();
    assert_eq!(ended.verdict("hostile.quiet"), "passed", "{}", ended.told());
    ended.left_nothing();
    ended
}

fn broken(id: &str) -> (Ended, String) {
    let ended = run_beside_a_quiet_one(id);
    assert_eq!(ended.status(), Some(3), "{}", ended.told());
    let check = ended.check(id);
    assert_eq!(check["verdict"], "broken");
    let reason = check["reason"].as_str().unwrap().to_owned();
    assert!(ended.told().contains(&format!("reason: {reason}")), "{}", ended.told());
    (ended, reason)
}

#[test]
fn a_killed_machine_breaks_its_check_and_no_other() {
    needs_machines!();
    let options = ["--jobs", "1", "--only", "hostile.waits", "--only", "hostile.quiet"];
    let running = Program::hostile("run", &options).start();
    // The first to run is the quiet one.
    let quiet = running.machines(1)[0];
    crate::process::eventually("the second machine", || (running.machines(1)[0] != quiet).then_some(()));
    running.kill_machine(running.machines(1)[0]);
    let ended = running.end();
    assert_eq!(ended.status(), Some(3), "{}", ended.told());
    assert_eq!(ended.verdict("hostile.quiet"), "passed");
    let reason = ended.check("hostile.waits")["reason"].to_string();
    assert!(reason.contains("QEMU was killed by signal 9"), "{reason}");
    ended.left_nothing();
}

#[test]
fn a_check_that_panics_is_broken() {
    needs_machines!();
    assert_eq!(broken("hostile.panics").1, "the check itself panicked: a fault of the check");
    assert_eq!(broken("hostile.panics-early").1, "the check itself panicked: before it began");
}

#[test]
fn a_kernel_panic_is_known_at_once_and_its_console_shown() {
    needs_machines!();
    let (ended, reason) = broken("hostile.kernel-panic");
    assert!(reason.contains("Kernel panic - not syncing: sysrq triggered crash"), "{reason}");
    let check = ended.check("hostile.kernel-panic");
    assert!(check["took"].as_f64().unwrap() < 20.0, "the check waits 300 s: {check}");
    let console = check["evidence"]["console"].as_str().unwrap();
    assert!(console.contains("Call trace:") && console.contains("end Kernel panic"), "{console}");
    assert!(ended.told().contains("end Kernel panic"), "{}", ended.told());
}

#[test]
fn a_machine_that_powers_itself_off_is_gone() {
    needs_machines!();
    let (_, reason) = broken("hostile.poweroff");
    assert!(reason.ends_with("the machine is gone: QEMU ended with exit status 0"), "{reason}");
}

#[test]
fn what_a_guest_prints_is_bounded_and_harmless() {
    needs_machines!();
    let ended = run_beside_a_quiet_one("hostile.prints");
    assert_eq!(ended.status(), Some(1));
    harmless(&ended);
    let xml = fs::read_to_string(ended.path("report.xml")).unwrap();
    assert!(
        !roxmltree::Document::parse(&xml)
            .unwrap()
            .descendants()
            .any(|node| { node.attribute("name") == Some("forged") })
    );
    let transcript = ended.check("hostile.prints")["evidence"]["transcript"].to_string();
    assert!(transcript.contains("bytes left out"), "4 MB were kept whole");
}

#[test]
fn a_guest_that_prints_too_much_is_told_so() {
    needs_machines!();
    let (ended, reason) = broken("hostile.floods");
    assert!(reason.ends_with("it printed more than 16 MiB"), "{reason}");
    harmless(&ended);
}

#[test]
fn a_flooded_console_keeps_its_end() {
    needs_machines!();
    let ended = run_beside_a_quiet_one("hostile.floods-console");
    assert_eq!(ended.status(), Some(1));
    harmless(&ended);
    let check = ended.check("hostile.floods-console");
    let console = check["evidence"]["console"].as_str().unwrap();
    assert!(console.len() < 2 << 20 && console.trim_end().ends_with("the end"));
}

/// Small enough to read, valid, and nothing in it acts on a terminal.
fn harmless(ended: &Ended) {
    let told = ended.told();
    assert!(told.len() < 256 << 10, "{} bytes", told.len());
    let active = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    assert!(!told.contains(active), "{told}");
    let xml = fs::read_to_string(ended.path("report.xml")).unwrap();
    assert!(xml.len() < 4 << 20, "{} bytes", xml.len());
    let document = roxmltree::Document::parse(&xml).unwrap();
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    assert_eq!(cases.count(), 2);
}

#[test]
fn a_mutant_that_changes_nothing_survives() {
    needs_machines!();
    let ended = Program::hostile("prove", &["--only", "hostile.quiet"]).run();
    assert_eq!(ended.status(), Some(1), "{}", ended.told());
    let report = ended.report();
    let fate = |name: &str| {
        let mutants = report["mutants"].as_array().unwrap();
        mutants.iter().find(|mutant| mutant["mutant"] == name).unwrap()["fate"].clone()
    };
    assert_eq!(fate("changes-nothing"), "survived");
    assert_eq!(fate("cannot-be-made"), "undecided");
    assert!(ended.told().contains("survived hostile.quiet, mutant changes-nothing"), "{}", ended.told());
    ended.left_nothing();
}
