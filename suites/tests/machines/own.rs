//! Targets and checks of somebody's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::needs_machines;
use crate::program::Program;

/// A target to begin with.
fn begin(target: &Path) {
    let begun = assert_cmd::Command::cargo_bin("assay").unwrap().arg("init").arg(target).output().unwrap();
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
}

#[test]
fn a_target_to_begin_with_passes_and_its_mutants_are_killed() {
    needs_machines!();
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("mine");
    begin(&target);
    let proved = Program::assay(&["prove", target.to_str().unwrap()]).run();
    assert_eq!(proved.status(), Some(0), "{}", proved.told());
    let report = proved.report();
    let fates: Vec<&str> =
        report["mutants"].as_array().unwrap().iter().map(|mutant| mutant["fate"].as_str().unwrap()).collect();
    assert_eq!(fates, ["killed", "killed"], "{report}");
    proved.left_nothing();
}

#[test]
fn programs_decide_by_their_status() {
    needs_machines!();
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("mine");
    begin(&target);
    fs::remove_file(target.join("checks.toml")).unwrap();
    let programs = target.join("checks");
    fs::create_dir(&programs).unwrap();
    for (id, program) in [
        ("own.passes", "#!/bin/sh\ntest -d /run/systemd/system\n"),
        ("own.fails", "#!/bin/sh\necho there is none; exit 3\n"),
        ("own.skips", "#!/bin/sh\necho looking\necho there is no card\nexit 77\n"),
        ("own.lost", "#!/usr/bin/nonesuch\n"),
    ] {
        fs::write(programs.join(id), program).unwrap();
        fs::set_permissions(programs.join(id), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let ended = Program::assay(&["run", target.to_str().unwrap()]).run();
    assert_eq!(ended.status(), Some(1), "{}", ended.told());
    assert_eq!(ended.verdict("own.passes"), "passed");
    assert_eq!(ended.check("own.fails")["observed"], "exit status 3, output \"there is none\"");
    assert_eq!(ended.check("own.skips")["reason"], "there is no card");
    let lost = ended.check("own.lost");
    assert_eq!(lost["verdict"], "broken");
    assert!(lost["reason"].as_str().unwrap().contains("could not be started"), "{lost}");
    ended.left_nothing();
}
