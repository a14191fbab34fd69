use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use lab::Home;
use tempfile::TempDir;

use super::*;

const VM: &str = "architecture = 'x86_64'\nrecipe = './image.toml'\nmemory = 512\ncpus = 1\n";

/// A target with one stage, in a directory of its own.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.0.path().join("fixtures")).unwrap();
        place.with("target.toml", &format!("name = 'laptop'\n[stage.vm]\n{VM}"))
    }

    fn with(self, name: &str, content: &str) -> Place {
        let file = self.0.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
        self
    }

    fn program(self, id: &str) -> Place {
        let place = self.with(&format!("checks/{id}"), "#!/bin/sh\nexit 0\n");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(place.0.path().join("checks").join(id), mode).unwrap();
        place
    }

    /// With the error as a person sees it, but for where the directory is.
    fn load(&self) -> Result<Vec<Check>, String> {
        let home = Home::at(self.0.path()).unwrap();
        let target = Target::load(&home.directory().join("target.toml"), &home).unwrap();
        let checks = load(&target, &BTreeSet::from(["binfmt.registered"]));
        let here = format!("{}/", home.directory().display());
        checks.map_err(|error| error.to_string().replace(&here, ""))
    }

    fn refused(&self) -> String {
        self.load().unwrap_err()
    }
}

#[test]
fn a_target_without_any_has_none() {
    assert!(Place::new().load().unwrap().is_empty());
}

#[test]
fn a_check_is_what_its_entry_says() {
    let place = Place::new().with(
        "checks.toml",
        r#"
[[check]]
id = "vpn.up"
statement = "The VPN is up after boot."
source = "runbook.md, 4, at the end"
level = "hazard"
needs = ["boot"]
run = "systemctl is-active wg-quick@wg0"
mutants = [
    { name = "not enabled", run = "systemctl disable wg-quick@wg0", boots = true },
    { name = "stopped", run = "systemctl stop wg-quick@wg0" },
]

[[check]]
id = "vpn.down"
run = "false"
"#,
    );
    let checks = place.load().unwrap();
    let [up, down] = &checks[..] else { panic!("{checks:?}") };
    let Invariant { level, statement, source, variant, .. } = &up.invariant;
    assert_eq!((*level, &**statement, variant), (Level::Hazard, "The VPN is up after boot.", &None));
    assert_eq!((&*source.document, &*source.section), ("runbook.md", "4, at the end"));
    assert_eq!(up.needs, [Need::Boot]);
    let mutants: Vec<(&str, bool)> = up.mutants.iter().map(|mutant| (&*mutant.name, mutant.boots)).collect();
    assert_eq!(mutants, [("not enabled", true), ("stopped", false)]);
    assert_eq!((&*down.invariant.statement, down.invariant.level), ("`false` ends well.", Level::Must));
    assert_eq!(down.invariant.source.to_string(), "checks.toml");
}

#[test]
fn a_program_is_a_check_by_itself_and_an_entry_says_more_of_it() {
    let place = Place::new().program("vpn.up").program("vpn.fast").with(
        "checks.toml",
        "[[check]]\nid = 'vpn.fast'\nstatement = 'It is fast.'\nmutants = [{ name = 'slow', run = 'true' }]\n",
    );
    let checks = place.load().unwrap();
    let told: Vec<(&str, &str, usize)> = checks
        .iter()
        .map(|check| (&*check.invariant.id, &*check.invariant.statement, check.mutants.len()))
        .collect();
    assert_eq!(told, [("vpn.fast", "It is fast.", 1), ("vpn.up", "The program `vpn.up` ends well.", 0)]);
}

#[test]
fn what_looks_like_a_check_and_would_not_run_is_refused() {
    let place = Place::new().program("vpn.up").with("checks/vpn.down", "#!/bin/sh\n");
    assert_snapshot!(place.refused(), @"checks/vpn.down: it is no program that can be executed, as all that is here has to be");
    let place = Place::new().program("vpn.up.sh");
    assert_snapshot!(place.refused(), @r#"checks/vpn.up.sh: a program is named after its check, and the id "vpn.up.sh" is not like "vpn.up": a family, a dot and a name, in lower-case letters, digits and dashes"#);
    let place = Place::new().program("binfmt.registered");
    assert_snapshot!(place.refused(), @"checks/binfmt.registered: a suite that the target uses has a check of this name: take another");
    assert_eq!(Place::new().program(".hidden").load().unwrap().len(), 0);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let entries = [
        "id = 'vpn.up'\nneed = []\nrun = 'true'",
        "id = 'vpn.up'\nneeds = ['bot']\nrun = 'true'",
        "id = 'vpn.up'\nneeds = ['boot', 'lapse']\nrun = 'true'",
        "id = 'vpn'\nrun = 'true'",
        "id = 'vpn.up'",
        "id = 'vpn.both'\nrun = 'true'",
        "id = 'binfmt.registered'\nrun = 'true'",
        "id = 'vpn.up'\nrun = 'true'\n[[check]]\nid = 'vpn.up'\nrun = 'false'",
        "id = 'vpn.up'\nrun = 'true'\nstage = 'host'",
        "id = 'vpn.up'\nrun = 'true'\nlimit = 0",
        "id = 'vpn.up'\nrun = 'true'\nlimit = 601",
        "id = 'vpn.up'\nrun = 'true'\nmutants = [{ run = 'true' }]",
    ];
    let refused = entries.map(|entry| {
        Place::new().program("vpn.both").with("checks.toml", &format!("[[check]]\n{entry}\n")).refused()
    });
    assert_snapshot!(refused.join("\n"), @r#"
    checks.toml, line 3: unknown field `need`, expected one of `id`, `statement`, `source`, `level`, `needs`, `stage`, `run`, `limit`, `mutants` (did you mean "needs"?)
    checks.toml, line 3: unknown variant `bot`, expected one of `undo`, `boot`, `power`, `lapse`, `drives`, `sockets`, `token`, `disk`, `strings` (did you mean "boot"?)
    checks.toml, line 3: a check in a file can need `undo` and `boot`: what makes use of `lapse` is a check in Rust
    checks.toml, line 2: the id "vpn" is not like "vpn.up": a family, a dot and a name, in lower-case letters, digits and dashes
    checks.toml, line 2: vpn.up has no `run`, and there is no program checks/vpn.up: nothing decides it
    checks.toml, line 2: vpn.both has a `run`, and there is checks/vpn.both too: leave one of them out
    checks.toml, line 2: binfmt.registered is a check of a suite that the target uses: take another id
    checks.toml, line 5: vpn.up is there already, in line 2
    checks.toml, line 4: laptop has no stage "host"; it has: vm
    checks.toml, line 4: invalid value: integer `0`, expected a nonzero u32
    checks.toml, line 4: limit = 601: no check may take longer than 600 s
    checks.toml, line 4: missing field `name`
    "#);
}

#[test]
fn of_several_stages_an_entry_names_one() {
    let stages = format!("name = 'pair'\n[stage.host]\n{VM}[stage.guest]\n{VM}");
    let place = |entry: &str| {
        let entry = format!("[[check]]\nid = 'vpn.up'\nrun = 'true'\n{entry}\n");
        Place::new().with("target.toml", &stages).with("checks.toml", &entry)
    };
    let checks = place("stage = 'guest'").load().unwrap();
    assert_eq!(checks[0].invariant.name(), "vpn.up@guest");
    assert_snapshot!(place("").refused(), @"checks.toml, line 2: vpn.up: `stage` has to say which one it is about: guest, host");
    let program = Place::new().with("target.toml", &stages).program("vpn.up");
    assert_snapshot!(program.refused(), @"checks/vpn.up: the target has several stages: say in checks.toml which one this is about");
}
