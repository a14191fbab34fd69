use insta::assert_snapshot;

use crate::place::{Place, failed, passed};

/// A lock file of a flake with two inputs.
fn lock(rev: &str, modified: u32) -> String {
    format!(
        r#"{{ "nodes": {{
  "root": {{ "inputs": {{ "nixpkgs": "nixpkgs", "home-manager": "home-manager" }} }},
  "nixpkgs": {{ "locked": {{ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "{rev}",
    "narHash": "sha256-AAAA", "lastModified": {modified} }}, "original": {{ "type": "indirect", "id": "nixpkgs" }} }},
  "home-manager": {{ "inputs": {{ "nixpkgs": ["nixpkgs"] }}, "locked": {{ "type": "github",
    "owner": "nix-community", "repo": "home-manager", "rev": "1234567890", "lastModified": 1767225600 }} }}
}}, "root": "root", "version": 7 }}"#
    )
}

const OLD: &str = "04f574a1c0fde90b51bf68198e2297ca4e7cccf4";
const NEW: &str = "5e3b2f0cd2ac0a59ea25d1ff1cbb8da4a2bbba27";

#[test]
fn changed_inputs_are_told_beside_the_regressions() {
    let place = Place::new(&[&passed("binfmt.flags")], &[&failed("binfmt.flags")]);
    place.write("old.lock", &lock(OLD, 1_767_225_600)).write("new.lock", &lock(NEW, 1_769_817_600));
    let gated = place.gate(&["--flake-lock", "old.lock", "new.lock", "--json", "gate.json"]);
    assert_eq!(gated.status, 1);
    assert_snapshot!(gated.said, @"
    regressions
      failed  binfmt.flags: passed before
              the flags POC

    flake inputs
      updated nixpkgs: github:NixOS/nixpkgs 04f574a (2026-01-01) → 5e3b2f0 (2026-01-31)

    gate: 1 regression
    ");
    assert_snapshot!("json", place.read("gate.json"));
    let gated = place.gate(&["--flake-lock", "old.lock", "old.lock"]);
    assert_snapshot!(gated.said, @"
    regressions
      failed  binfmt.flags: passed before
              the flags POC

    flake inputs
      none changed

    gate: 1 regression
    ");
}

#[test]
fn what_a_lock_file_says_cannot_act() {
    let place = Place::new(&[&passed("binfmt.flags")], &[&passed("binfmt.flags")]);
    let hostile = lock(OLD, 1_767_225_600).replacen(
        "\"narHash\"",
        r#""\u001b[2J\n::error::forged": "\u202e\u009b", "narHash""#,
        1,
    );
    place.write("old.lock", &lock(OLD, 1_767_225_600)).write("new.lock", &hostile);
    assert_snapshot!(place.gate(&["--flake-lock", "old.lock", "new.lock"]).said, @r"
    flake inputs
      updated nixpkgs: github:NixOS/nixpkgs 04f574a (2026-01-01), the same revision: locked.\x1b[2J\n::error::forged unset → \u{202e}\u{9b}

    gate: no regression, 1 as before
    ");
}

#[test]
fn a_lock_file_that_cannot_be_read_is_named() {
    let place = Place::new(&[&passed("binfmt.flags")], &[&passed("binfmt.flags")]);
    place.write("good.lock", &lock(OLD, 0)).write("bad.lock", "{").write("old.lock", "{\"version\": 6}");
    let said = |new: &str| {
        let gated = place.gate(&["--flake-lock", "good.lock", new]);
        assert_eq!((gated.status, gated.said.as_str()), (2, ""));
        gated.complained
    };
    assert_snapshot!(said("missing.lock"), @"assay: cannot read missing.lock: No such file or directory (os error 2)");
    assert_snapshot!(said("bad.lock"), @"assay: bad.lock: it is no flake.lock: EOF while parsing an object at line 1 column 1");
    assert_snapshot!(said("old.lock"), @"assay: old.lock: it is of version 6, and only 7 is read: `nix flake lock` writes it");
    let gated = place.gate(&["--flake-lock", "good.lock"]);
    assert_eq!(gated.status, 2);
    assert_snapshot!(gated.complained, @"
    error: 2 values required for '--flake-lock <OLD> <NEW>' but 1 was provided

    Usage: assay gate [OPTIONS] --baseline <FILE> --candidate <FILE>

    For more information, try '--help'.
    ");
}
