//! Disks of somebody's own, which boot by themselves and have nothing of assay's in them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;

use crate::needs_machines;
use crate::program::Program;

/// A disk, as its script makes it. It is kept for the next time.
fn disk(suite: &str, loader: &str, packages: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines/disk/build");
    let mut hasher = blake3::Hasher::new();
    for part in
        [fs::read(&script).unwrap().as_slice(), suite.as_bytes(), loader.as_bytes(), packages.as_bytes()]
    {
        hasher.update(blake3::hash(part).as_bytes());
    }
    let name = format!("{suite}-{loader}-{}.raw", &hasher.finalize().to_hex()[..16]);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !file.exists() {
        let made = Command::new(script).args([suite, loader, packages]).arg(&file).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    file
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
    let disk = disk(suite, loader, "");
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
