//! Overlays that break the target.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::needs_machines;
use crate::program::Program;

const LITERAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/omarchy/literal");

#[test]
fn the_documents_literal_pair_of_units_loops() {
    needs_machines!();
    let only = ["--only", "binfmt.watcher-no-loop", "--only", "binfmt.registered", "--overlay", LITERAL];
    let ended = Program::assay(&[&["run", "omarchy", "--suite", "binfmt"], &only[..]].concat()).run();
    assert_eq!(ended.status(), Some(1), "{}", ended.told());
    assert_eq!(ended.verdict("binfmt.watcher-no-loop"), "failed");
    assert_eq!(ended.verdict("binfmt.registered"), "passed");
    ended.left_nothing();
}

#[test]
fn an_overlay_that_does_not_boot_is_broken_once_that_is_known() {
    needs_machines!();
    let overlay = tempfile::tempdir().unwrap();
    let init = overlay.path().join("usr/lib/systemd/systemd");
    fs::create_dir_all(init.parent().unwrap()).unwrap();
    fs::write(&init, "#!/bin/sh\necho no init here >/dev/console\nexit 1\n").unwrap();
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755)).unwrap();
    for directory in ["", "usr", "usr/lib", "usr/lib/systemd"] {
        fs::set_permissions(overlay.path().join(directory), fs::Permissions::from_mode(0o755)).unwrap();
    }

    let only = ["--only", "binfmt.registered", "--only", "binfmt.executes", "--only", "binfmt.mount-before"];
    let overlay = ["--overlay", overlay.path().to_str().unwrap()];
    let ended = Program::assay(&[&["run", "omarchy"], &only[..], &overlay].concat()).run();
    assert_eq!(ended.status(), Some(3), "{}", ended.told());
    for id in ["binfmt.registered", "binfmt.executes", "binfmt.mount-before"] {
        let check = ended.check(id);
        assert_eq!(check["verdict"], "broken", "{check}");
        let reason = check["reason"].as_str().unwrap();
        assert!(reason.contains("Kernel panic - not syncing: Attempted to kill init!"), "{reason}");
        let console = check["evidence"]["console"].as_str().unwrap();
        assert!(console.contains("no init here") && console.contains("Call trace:"), "{console}");
        // A boot may take minutes; that this one fails is seen on its console.
        assert!(check["took"].as_f64().unwrap() < 60.0, "{check}");
    }
    ended.left_nothing();
}
