use std::path::Path;

use insta::assert_snapshot;
use rstest::rstest;

use super::{Ask, Drive, Guest, Home, Host, Target};
use crate::machine::qemu::Firmware;

const GOOD: &str =
    "name = 'demo'\n[stage.vm]\narchitecture = 'x86_64'\nrecipe = 'demo'\nmemory = 512\ncpus = 1\n";

/// Loads `text` as a target file of a home of its own, and shows the error without the temporary path.
fn load(text: &str) -> Result<Target, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("fixtures")).unwrap();
    let home = Home::at(directory.path()).unwrap();
    let file = home.directory().join("t.toml");
    std::fs::write(&file, text).unwrap();
    let shown = format!("{}/", home.directory().display());
    Target::load(&file, &home).map_err(|error| error.to_string().replace(&shown, ""))
}

#[test]
fn what_is_not_said_has_a_default() {
    let target = load(GOOD).unwrap();
    let vm = &target.stages["vm"];
    assert_eq!(vm.firmware, Firmware::Board);
    assert!(vm.drives.is_empty());
    assert_eq!(vm.steps, None);
    assert!(target.credentials.is_none());
    assert!(vm.recipe.ends_with("vm-images/demo.toml"));
}

#[test]
fn paths_are_taken_from_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("fixtures")).unwrap();
    let home = Home::at(directory.path()).unwrap();
    let file = directory.path().join("t.toml");
    std::fs::write(&file, GOOD.replace("recipe = 'demo'", "recipe = 'mine.toml'\nsteps = 'a/s.toml'"))
        .unwrap();
    let target = Target::find(file.to_str().unwrap(), &home).unwrap();
    let vm = &target.stages["vm"];
    assert_eq!(vm.recipe, directory.path().join("mine.toml"));
    assert_eq!(vm.steps, Some(directory.path().join("a/s.toml")));
}

#[test]
fn bad_files_say_where_and_what_is_accepted() {
    let message = |text: &str| load(text).unwrap_err();
    assert_snapshot!(message(&format!("{GOOD}ram = 3\n")), @"t.toml, line 7: unknown field `ram`, expected one of `architecture`, `firmware`, `recipe`, `memory`, `cpus`, `drives`, `steps`, `container`");
    assert_snapshot!(message("name = 'demo'\n"), @"t.toml, line 1: missing field `stage`");
    assert_snapshot!(message(&GOOD.replace("x86_64", "arm")), @"t.toml, line 3: unknown variant `arm`, expected `aarch64` or `x86_64`");
    assert_snapshot!(message(&format!("{GOOD}[stage.vm.drives]\npsf = 'in'\n")), @"t.toml, line 8: unknown variant `in`, expected `plugged` or `unplugged`");
    assert_snapshot!(message("name = \n"), @"t.toml, line 1: string values must be quoted, expected literal string");
}

#[rstest]
#[case(
    "'demo'",
    "'De mo'",
    "t.toml: the name \"De mo\": use lower-case letters, digits, dashes and underscores"
)]
#[case("512", "64", "t.toml: stage vm: memory = 64: it counts MiB, and no target boots with less than 128")]
#[case("cpus = 1", "cpus = 0", "t.toml: stage vm: cpus = 0: a machine needs at least 1")]
fn impossible_values_are_refused(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    assert_eq!(load(&GOOD.replace(from, to)).unwrap_err(), says);
}

#[test]
fn the_first_target_is_omarchy() {
    let home = workspace();
    let target = Target::find("omarchy", &home).unwrap();
    assert_eq!(target.name, "omarchy");
    let desktop = &target.stages["desktop"];
    assert_eq!(desktop.architecture.to_string(), "aarch64");
    assert_eq!(desktop.drives["psf"], Drive::Plugged);
    assert_eq!(desktop.recipe, home.directory().join("vm-images/omarchy.toml"));
    assert!(desktop.steps.as_ref().unwrap().is_file());
}

#[test]
fn built_in_targets_are_called_like_their_directories() {
    let home = workspace();
    for name in home.targets() {
        assert_eq!(Target::find(&name, &home).unwrap().name, name);
    }
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = Target::find("omarch", &workspace()).unwrap_err().to_string();
    assert!(error.starts_with("there is no target \"omarch\": use one of "), "{error}");
    assert!(error.contains("omarchy") && error.ends_with("or the path of a .toml file"), "{error}");
}

#[test]
fn a_home_without_fixtures_says_how_to_name_one() {
    let error = Home::at("/nonexistent").unwrap_err().to_string();
    assert!(error.contains("set ASSAY_HOME"), "{error}");
}

fn workspace() -> Home {
    Home::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

#[test]
fn what_rebuilds_can_be_relied_on_for_has_documented_defaults() {
    let target = load(&format!("{GOOD}[rollback]\nlimit = 60\n[rollback.field]\nflake = 'ref'\n")).unwrap();
    let rollback = target.rollback.unwrap();
    let said = (rollback.limit, rollback.field.flake.as_str());
    let silent = (rollback.period, rollback.field.previous.as_str());
    assert_eq!((said, silent), ((60, "ref"), (120, "previous_system")));
    let path = rollback.marker.to_str().unwrap();
    assert_eq!(path, "/var/lib/msp/.rebuild-in-progress");
}

#[rstest]
#[case("limit = 0", "t.toml: rollback.limit = 0: it counts seconds, from 1 to a day")]
#[case("period = 9", "t.toml: rollback.grace = 15: it has to be shorter than the period")]
#[case("verified = 'flag'", "t.toml: rollback.verified = \"flag\": use a path of the machine, from /")]
#[case("sequences = 0", "t.toml: rollback.sequences = 0: nothing would be tried")]
fn what_rebuilds_cannot_be_relied_on_for_is_refused(#[case] line: &str, #[case] reason: &str) {
    assert_eq!(load(&format!("{GOOD}[rollback]\n{line}\n")).unwrap_err(), reason);
}

#[test]
fn the_target_file_of_the_appliance_says_what_the_defaults_are() {
    let home = Home::find().unwrap();
    let appliance = Target::load(&home.target("appliance"), &home).unwrap();
    assert_eq!(appliance.rollback, Some(super::Rollback::default()));
}

#[test]
fn the_target_file_of_omarchy_says_where_its_card_comes_from() {
    let home = Home::find().unwrap();
    let smartcard = Target::load(&home.target("omarchy"), &home).unwrap().smartcard.unwrap();
    for package in [smartcard.token, smartcard.client] {
        assert!(package.join("Cargo.toml").is_file(), "{}", package.display());
    }
}

#[rstest]
#[case("35963", "t.toml: smartcard.reader = \"35963\": write \"unix:/PATH\" or \"tcp:PORT\"")]
#[case("tcp:0", "t.toml: smartcard.reader = \"tcp:0\": write \"unix:/PATH\" or \"tcp:PORT\"")]
#[case(
    "unix:run/pcscd",
    "t.toml: smartcard.reader = \"unix:run/pcscd\": write \"unix:/PATH\" or \"tcp:PORT\""
)]
fn a_reader_that_cannot_be_found_is_refused(#[case] reader: &str, #[case] reason: &str) {
    let card = "token = 'token'\nclient = 'client'\ndaemon = 'unix:/run/d'\nseen = 'true'\nlibrary = {}\n";
    assert_eq!(load(&format!("{GOOD}[smartcard]\nreader = '{reader}'\n{card}")).unwrap_err(), reason);
}

#[test]
fn what_a_microvm_host_is_relied_on_for_is_as_documented_or_as_it_says() {
    let credentials =
        |text: &str| load(&format!("{GOOD}[credentials]\n{text}")).map(|target| target.credentials.unwrap());
    let (host, guest) = (Host::default(), Guest::default());
    assert_eq!(credentials("").unwrap().host, host);
    assert_eq!(credentials("").unwrap().guest, guest);
    let said = credentials("[credentials.host]\nunit = 'vm@a.service'\nask.form = 'FORM'\n").unwrap();
    let ask = Ask { form: Some("FORM".into()), ..Ask::default() };
    assert_eq!(said.host, Host { unit: "vm@a.service".into(), ask, ..host });
    let message = |text: &str| credentials(&format!("[credentials.host]\n{text}\n")).unwrap_err();
    assert_snapshot!(message("secrets = 'run/x'"), @r#"t.toml: credentials.host.secrets = "run/x": use a path of the machine, from /, without blanks and quotes"#);
    assert_snapshot!(message("unit = 'a; b'"), @r#"t.toml: credentials.host.unit = "a; b": use a name, without blanks and quotes"#);
    assert_snapshot!(message("hypervisors = ['/nix/store/x/bin/vm']"), @r#"t.toml: credentials.host.hypervisors = "/nix/store/x/bin/vm": its name has to say which it is: cloud-hypervisor or qemu"#);
    assert_snapshot!(message("ask.form = 'A B'"), @r#"t.toml: credentials.host.ask: "A B" is no name of a variable"#);
}
