use std::path::Path;

use insta::assert_snapshot;
use machine::qemu::Firmware;
use record::Architecture;
use rstest::rstest;

use super::{Drive, Home, Target};

const GOOD: &str =
    "name = 'demo'\n[stage.vm]\narchitecture = 'x86_64'\nrecipe = 'demo'\nmemory = 512\ncpus = 1\n";

/// Loads `text` as a target file of a home of its own, and shows the error without the temporary path.
fn load(text: &str) -> Result<Target, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("fixtures")).unwrap();
    std::fs::create_dir(directory.path().join("vm-images")).unwrap();
    let home = Home::at(directory.path()).unwrap();
    std::fs::write(home.recipe("demo"), "").unwrap();
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
fn a_directory_is_a_target_when_it_has_a_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("fixtures")).unwrap();
    let home = Home::at(directory.path()).unwrap();
    let mine = directory.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    let find = || Target::find(mine.to_str().unwrap(), &home);
    let error = find().unwrap_err().to_string();
    assert!(
        error.ends_with("/mine has no target.toml: `assay init` makes a directory that has all it needs"),
        "{error}"
    );
    std::fs::write(
        mine.join("target.toml"),
        GOOD.replace("'demo'\nmem", "'./demo.toml'\noverlay = 'files'\nmem"),
    )
    .unwrap();
    assert!(find().is_err(), "an overlay is the target's, not a stage's");
    std::fs::write(
        mine.join("target.toml"),
        format!("overlay = 'files'\n{}", GOOD.replace("'demo'\nmem", "'./demo.toml'\nmem")),
    )
    .unwrap();
    assert_eq!(find().unwrap().overlay, Some(mine.join("files")));
}

#[test]
fn bad_files_say_where_and_what_is_accepted() {
    let message = |text: &str| load(text).unwrap_err();
    assert_snapshot!(message(&format!("{GOOD}ram = 3\n")), @"t.toml, line 7: unknown field `ram`, expected one of `architecture`, `firmware`, `recipe`, `memory`, `cpus`, `drives`, `steps`, `container`");
    assert_snapshot!(message("name = 'demo'\n"), @"t.toml: no stage: a target has at least one machine, such as [stage.vm], [machine.ssh] or [machine.image]");
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
fn a_machine_that_is_there_needs_no_stage() {
    let there =
        load("name = 'laptop'\n[machine.ssh]\nhost = 'omarchy'\nrestore = 'snapper undochange 1..0'\n");
    let ssh = there.unwrap().machine.ssh.unwrap();
    assert_eq!((ssh.host.as_str(), ssh.reboot), ("omarchy", None));
    let option = load("name = 'laptop'\n[machine.ssh]\nhost = '-oProxyCommand=x'\n").unwrap_err();
    assert_snapshot!(option, @r#"t.toml: machine.ssh.host = "-oProxyCommand=x": name a host as ssh takes it"#);
}

#[test]
fn a_disk_that_is_there_needs_no_stage() {
    let there = load("name = 'mine'\n[machine.image]\nfile = 'disk.qcow2'\narchitecture = 'aarch64'\n");
    let image = there.unwrap().machine.image.unwrap();
    let machine = (image.architecture, image.firmware, image.memory, image.cpus);
    assert_eq!(machine, (Architecture::Aarch64, Firmware::Uefi, 1024, 1));
    assert_eq!(image.file.unwrap().file_name().unwrap(), "disk.qcow2");
}

#[rstest]
#[case("", "t.toml: machine.image: name either a `file` or a command that makes one, `build`")]
#[case(
    "file = 'a'\nbuild = 'b'",
    "t.toml: machine.image: name either a `file` or a command that makes one, `build`"
)]
#[case(
    "file = 'a'\nmemory = 64",
    "t.toml: machine.image: memory = 64: it counts MiB, and no target boots with less than 128"
)]
#[case(
    "file = 'a'\n[machine.ssh]\nhost = 'h'",
    "t.toml: machine.ssh and machine.image: a target has one machine of somebody's own"
)]
#[case("file = 'a'\nfirmware = 'bios'", "t.toml, line 4: unknown variant `bios`, expected `board` or `uefi`")]
fn a_disk_that_cannot_be_is_refused(#[case] table: &str, #[case] says: &str) {
    assert_eq!(load(&format!("name = 'mine'\n[machine.image]\n{table}\n")).unwrap_err(), says);
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
    assert!(
        error.starts_with("there is no target \"omarch\" (did you mean \"omarchy\"?): use one of "),
        "{error}"
    );
}

#[test]
fn a_home_without_fixtures_says_how_to_name_one() {
    let error = Home::at("/nonexistent").unwrap_err().to_string();
    assert!(error.contains("set ASSAY_HOME"), "{error}");
}

fn workspace() -> Home {
    Home::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}
