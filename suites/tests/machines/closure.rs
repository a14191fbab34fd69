//! What Nix builds on this host, on a machine.

use std::fs;
use std::path::Path;

use crate::needs_machines;
use crate::program::Program;

/// Has Nix, and nothing to test yet.
const TARGET: &str = "name = 'mine'\n[stage.vm]\narchitecture = 'x86_64'\nrecipe = 'appliance'\nmemory = 512\ncpus = 1\n\
                      steps = 'steps.toml'\n";

/// What is as in a system of NixOS and in a home of home-manager's, of which an activation makes links into the store.
const EXPRESSION: &str = r#"
let
  made = name: script: derivation {
    inherit name script;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "PATH=/usr/bin:/bin; mkdir -p $out/bin; printf %s \"$script\" >$out/activate; chmod +x $out/activate; ln -s ../activate $out/bin/switch-to-configuration" ];
  };
  file = builtins.toFile "greeting" "hello from the store";
in {
  system = made "system" ''
    #!/bin/sh
    test "$1" = switch && ln -sfn ${file} /etc/greeting
  '';
  home = made "home" ''
    #!/bin/sh
    test -d "$XDG_RUNTIME_DIR" && ln -sfn ${file} "$HOME/greeting"
  '';
}
"#;

const STEPS: &str = r#"
document = "runbook.md"

[[step]]
id = "1-user"
title = "Have what a login of the user's would leave"
source = "1"
apply = ["install --directory --owner=user --mode=700 /run/user/1000"]

[[step]]
id = "2-system"
title = "Activate the system"
source = "2"
closure = { build = "BUILD system" }
done = "test -L /etc/greeting"

[[step]]
id = "3-home"
title = "Activate the home"
source = "3"
needs = ["1-user", "2-system"]
closure = { build = "BUILD home", user = "user" }
done = "test -L /home/user/greeting"
"#;

const CHECKS: &str = r#"
[[check]]
id = "closure.registered"
statement = "What was activated is in the store, with all that it refers to, and Nix knows it."
source = "runbook.md, 2 and 3"
run = """
for link in /etc/greeting /home/user/greeting; do
    grep -q 'hello from the store' $link && nix-store --check-validity $(readlink $link) || exit 1
done
test "$(stat -c %U /home/user/greeting)" = user
"""
"#;

/// A target in a directory whose steps build with this command.
fn target(place: &Path, build: &str) -> String {
    let target = place.join("mine");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("target.toml"), TARGET).unwrap();
    fs::write(target.join("made.nix"), EXPRESSION).unwrap();
    fs::write(target.join("steps.toml"), STEPS.replace("BUILD", build)).unwrap();
    fs::write(target.join("checks.toml"), CHECKS).unwrap();
    target.to_str().unwrap().to_owned()
}

#[test]
fn a_closure_of_the_hosts_is_registered_and_activated_as_root_and_as_a_user() {
    needs_machines!();
    let place = tempfile::tempdir().unwrap();
    let build = "nix-build --option sandbox false --option substitute false --no-out-link made.nix --attr";
    let ended = Program::assay(&["run", &target(place.path(), build)]).run();
    assert_eq!(ended.status(), Some(0), "{}", ended.told());
    assert_eq!(ended.verdict("closure.registered"), "passed");
    ended.left_nothing();
}

#[test]
fn what_nix_did_not_build_is_told_before_a_machine_starts() {
    needs_machines!();
    let place = tempfile::tempdir().unwrap();
    let ended = Program::assay(&["run", &target(place.path(), "echo /etc/passwd; :")]).run();
    assert_eq!(ended.status(), Some(3), "{}", ended.told());
    assert!(
        ended.told().contains(
            "step 2-system: `echo /etc/passwd; : system` printed /etc/passwd, which is no path in /nix/store/"
        ),
        "{}",
        ended.told()
    );
    ended.left_nothing();
}
