//! Disks of somebody's own, which boot by themselves and have nothing of assay's in them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;

use crate::needs_machines;
use crate::program::Program;

/// Beside this: what makes a disk, and what is laid over one.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines/disk").join(name)
}

/// A disk, as its script makes it, with the files of a directory over it. It is kept for the next time.
fn disk(suite: &str, loader: &str, packages: &str, directory: Option<&Path>) -> PathBuf {
    let script = beside("build");
    let over = directory.map(packed).unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    for part in [&fs::read(&script).unwrap(), suite.as_bytes(), loader.as_bytes(), packages.as_bytes(), &over]
    {
        hasher.update(blake3::hash(part).as_bytes());
    }
    let name = format!("{suite}-{loader}-{}.raw", &hasher.finalize().to_hex()[..16]);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !file.exists() {
        let mut make = Command::new(script);
        let made = make.args([suite, loader, packages]).arg(&file).args(directory).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    file
}

/// A directory as one file, the same for the same files.
fn packed(directory: &Path) -> Vec<u8> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--directory"]);
    let packed = tar.arg(directory).arg(".").output().unwrap();
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    packed.stdout
}

/// A target in a directory, of this disk.
fn target(place: &Path, image: &str, checks: &str) -> String {
    let target = place.join("mine");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("target.toml"), format!("name = 'mine'\n[machine.image]\n{image}\n")).unwrap();
    fs::write(target.join("checks.toml"), checks).unwrap();
    target.to_str().unwrap().to_owned()
}

const CHECKS: &str = r#"
[[check]]
id = "disk.nothing-of-ours"
statement = "Nothing of assay's is on it, and nothing that could do without."
source = "build"
run = """
! command -v perl && ! command -v qemu-ga && ! find / -xdev -name '*assay*' | grep .
"""
mutants = [{ name = "a file of ours", run = "touch /root/assay" }]

[[check]]
id = "disk.has-its-name"
statement = "It goes by the name that its disk says."
source = "build"
needs = ["undo"]
run = "test \"$(uname --nodename)\" = own-disk && systemctl is-system-running"
mutants = [{ name = "another name", run = "hostname other" }]

[[check]]
id = "disk.boots"
statement = "It boots, with all its units."
source = "build"
needs = ["boot"]
run = "test \"$(systemctl is-system-running --wait)\" = running"
mutants = [{ name = "a unit that fails", run = "ln -s ../fails.service /etc/systemd/system/multi-user.target.wants/; printf '[Service]\\nExecStart=/bin/false\\n' >/etc/systemd/system/fails.service", boots = true }]
"#;

/// What a file is, byte for byte, and when it was last written to.
fn state(file: &Path) -> (blake3::Hash, i64, i64) {
    let metadata = fs::metadata(file).unwrap();
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(file).unwrap()).unwrap();
    (hasher.finalize(), metadata.mtime(), metadata.mtime_nsec())
}

/// systemd 257 and 252, the oldest that can be spoken to.
#[rstest]
#[case::by_uefi("trixie", "uefi", "")]
#[case::by_bios("bookworm", "bios", "firmware = 'board'")]
fn a_disk_that_boots_by_itself_is_forked_broken_and_judged(
    #[case] suite: &str,
    #[case] loader: &str,
    #[case] firmware: &str,
) {
    needs_machines!();
    let disk = disk(suite, loader, "", None);
    let before = state(&disk);
    let place = tempfile::tempdir().unwrap();
    let image = format!("file = '{}'\narchitecture = 'x86_64'\n{firmware}", disk.display());
    let proved = Program::assay(&["prove", &target(place.path(), &image, CHECKS)]).run();
    assert_eq!(proved.status(), Some(0), "{}", proved.told());
    let report = proved.report();
    let fates: Vec<&str> =
        report["mutants"].as_array().unwrap().iter().map(|mutant| mutant["fate"].as_str().unwrap()).collect();
    assert_eq!(fates, ["killed"; 3], "{report}");
    assert_eq!(state(&disk), before);
    proved.left_nothing();
}

/// What the suite relies on of an appliance, as one has it that shares nothing with the reference.
const OWN: &str = r#"
name = "mine"
uses = ["appliance/rollback"]

[rollback]
order = "box order"
agent = "box-agent.service"
watchdog = "box-watchdog.service"
marker = "/var/lib/box/pending.json"
verified = "/var/lib/box/healthy.json"
limit = 300
period = 60
help = "a person has to help"
field = { time = "ordered", previous = "from", flake = "what" }
flake = { healthy = "good", unhealthy = "bad", unbuilt = "new", failing = "broken" }

[machine.image]
architecture = "x86_64"
firmware = "board"
"#;

/// A program in Python, on Debian 12. What is wrong with it is one thing of the program's own.
#[rstest]
#[case::as_it_is("LIMIT = 300", "LIMIT = 300", &[], 0)]
#[case::that_waits_for_an_hour("LIMIT = 300", "LIMIT = 3600", &["--only", "rollback.rollback-on-timeout"], 1)]
fn a_watchdog_of_ones_own_is_judged_on_ones_own_disk(
    #[case] from: &str,
    #[case] to: &str,
    #[case] only: &[&str],
    #[case] status: i32,
) {
    needs_machines!();
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("box");
    let copied = Command::new("cp").arg("--archive").args([&beside("box"), &directory]).status().unwrap();
    assert!(copied.success());
    let program = directory.join("usr/local/bin/box");
    let text = fs::read_to_string(&program).unwrap();
    assert!(text.contains(from));
    fs::write(&program, text.replace(from, to)).unwrap();
    let disk = disk("bookworm", "bios", ",python3", Some(&directory));
    let target = place.path().join("mine.toml");
    fs::write(&target, format!("{OWN}file = '{}'\n", disk.display())).unwrap();
    let run = ["run", target.to_str().unwrap()];
    let ended = Program::assay(&[&run, only].concat()).run();
    assert_eq!(ended.status(), Some(status), "{}", ended.told());
    ended.left_nothing();
}

#[rstest]
#[case::no_disk("file = 'target.toml'", 2, "target.toml: it is no disk that boots, raw or qcow2")]
#[case::missing("file = 'nowhere.qcow2'", 2, "nowhere.qcow2: No such file or directory")]
#[case::a_directory("file = '.'", 2, "it is no file: name the image of a disk")]
#[case::that_fails(
    "build = 'echo no such flake >&2; exit 1'",
    3,
    "ended with exit status 1, error output \"no such flake\""
)]
#[case::that_prints_two(
    "build = 'echo a; echo b'",
    3,
    "is to print one path, and it printed 2 lines, \"a\" and \"b\" first"
)]
#[case::that_prints_none("build = 'true'", 3, "is to print one path, and it printed nothing")]
#[case::that_makes_no_disk("build = 'echo target.toml'", 2, "target.toml: it is no disk that boots")]
fn what_is_no_disk_is_told(#[case] image: &str, #[case] status: i32, #[case] says: &str) {
    needs_machines!();
    let place = tempfile::tempdir().unwrap();
    let ended = Program::assay(&["run", &target(place.path(), image, CHECKS)]).run();
    assert_eq!(ended.status(), Some(status), "{}", ended.told());
    assert!(ended.told().contains(says), "{}", ended.told());
    ended.left_nothing();
}
