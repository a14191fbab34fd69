//! A cache that is damaged, or on a full disk. The user's own is copied, never touched.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

use crate::needs_machines;
use crate::program::Program;

const REGISTERED: [&str; 4] = ["run", "omarchy", "--only", "binfmt.registered"];

/// The user's cache, which the tests themselves have filled.
fn users() -> PathBuf {
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    let below = || set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("ASSAY_CACHE").or_else(|| below().map(|directory| directory.join("assay"))).unwrap()
}

/// A copy that shares the bytes of the files until one is changed.
fn copy() -> TempDir {
    let warm = Program::assay(&REGISTERED).run();
    assert_eq!(warm.status(), Some(0), "{}", warm.told());
    let copy = tempfile::tempdir_in(users().parent().unwrap()).unwrap();
    for kind in ["images", "power-on", "provisioned", "templates"] {
        let done = Command::new("cp").arg("-al").arg(users().join(kind)).arg(copy.path()).status().unwrap();
        assert!(done.success());
    }
    copy
}

/// Every file of this kind and name: which of the entries is used is not for the test to know.
fn files(cache: &Path, kind: &str, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache.join(kind)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path().join(name));
    files.filter(|file| file.exists()).collect()
}

/// Gives the file bytes of its own, with one flipped in the middle of what is not a hole.
fn damage(file: &Path, as_if_untouched: bool) {
    let modified = fs::metadata(file).unwrap().modified().unwrap();
    let own = file.with_extension("own");
    let copied = Command::new("cp").arg("--sparse=always").arg(file).arg(&own).status().unwrap();
    assert!(copied.success());
    fs::rename(&own, file).unwrap();
    let open = fs::File::options().read(true).write(true).open(file).unwrap();
    let at = rustix::fs::seek(&open, rustix::fs::SeekFrom::Data(0)).unwrap();
    let mut byte = [0];
    open.read_exact_at(&mut byte, at).unwrap();
    open.write_all_at(&[byte[0] ^ 0xff], at).unwrap();
    if as_if_untouched {
        open.set_modified(modified).unwrap();
    }
}

#[rstest]
#[case::template("templates", "memory", false)]
#[case::template_disk("templates", "disk.qcow2", true)]
#[case::power_on("power-on", "state", true)]
fn what_is_damaged_is_made_again(#[case] kind: &str, #[case] name: &str, #[case] as_if_untouched: bool) {
    needs_machines!();
    let cache = copy();
    // Verified once, it would be trusted from now on.
    let run = || Program::assay(&REGISTERED).variable("ASSAY_CACHE", cache.path()).run();
    assert_eq!(run().status(), Some(0));
    for file in files(cache.path(), kind, name) {
        damage(&file, as_if_untouched);
    }
    let ended = run();
    assert_eq!(ended.status(), Some(0), "{}", ended.told());
    let note = format!("{name} is damaged (its contents have changed): it is made again");
    assert!(ended.told().contains(&note), "{}", ended.told());
    let again = run();
    assert_eq!(again.status(), Some(0));
    assert!(!again.told().contains("damaged"), "{}", again.told());
    ended.left_nothing();
}

/// Building it again takes minutes and a network. That it would be is seen where no build can begin.
#[test]
fn a_damaged_image_is_built_again() {
    needs_machines!();
    let cache = copy();
    for file in files(cache.path(), "images", "kernel") {
        damage(&file, false);
    }
    let tools = tempfile::tempdir().unwrap();
    for tool in ["qemu-img", "qemu-system-aarch64"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|directory| directory.join(tool))
            .find(|path| path.exists());
        std::os::unix::fs::symlink(found.unwrap(), tools.path().join(tool)).unwrap();
    }
    let run = Program::assay(&REGISTERED).variable("ASSAY_CACHE", cache.path());
    let ended = run.variable("PATH", tools.path()).run();
    assert_eq!(ended.status(), Some(3), "{}", ended.told());
    let note = "kernel is damaged (its contents have changed): the image is built again";
    assert!(ended.told().contains(note), "{}", ended.told());
    assert!(ended.told().contains("mmdebstrap is missing"), "{}", ended.told());
}

/// A small file system, gone with this.
struct Mount(TempDir);

impl Mount {
    fn of_size(size: &str) -> Option<Mount> {
        let place = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(place.path());
        mount.output().is_ok_and(|output| output.status.success()).then(|| Mount(place))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// The digest under which the present image is kept, for which it must have been built.
fn digest_of_the_image() -> String {
    assert_eq!(Program::assay(&REGISTERED).run().status(), Some(0));
    let mut list = assert_cmd::Command::cargo_bin("assay").unwrap();
    let list = String::from_utf8(list.args(["image", "list"]).output().unwrap().stdout).unwrap();
    let line = list.lines().find(|line| line.ends_with(" omarchy")).expect("the image of omarchy");
    line.split(' ').next().unwrap().to_owned()
}

#[test]
fn a_full_disk_is_told_with_what_to_do() {
    needs_machines!();
    let Some(mount) = Mount::of_size("1G") else {
        eprintln!("skipped: only root may mount the small disk that this fills");
        return;
    };
    let images = mount.0.path().join("images");
    fs::create_dir(&images).unwrap();
    let image = users().join("images").join(digest_of_the_image());
    let copied = Command::new("cp").args(["-a", "--sparse=always"]).arg(image).arg(images).status();
    assert!(copied.unwrap().success());
    // Room for a part of the next entry.
    let free = rustix::fs::statvfs(mount.0.path()).unwrap();
    let ballast = fs::File::create(mount.0.path().join("ballast")).unwrap();
    rustix::fs::fallocate(
        &ballast,
        rustix::fs::FallocateFlags::empty(),
        0,
        free.f_bavail * free.f_bsize - (40 << 20),
    )
    .unwrap();

    let run = |arguments: &[&str]| Program::assay(arguments).variable("ASSAY_CACHE", mount.0.path()).run();
    let ended = run(&REGISTERED);
    assert_eq!(ended.status(), Some(3), "{}", ended.told());
    let directory = mount.0.path().to_str().unwrap();
    let told = ended.told();
    assert!(told.contains(&format!("the disk of the cache {directory} is full")), "{told}");
    assert!(told.contains("`assay image remove`"), "{told}");
    ended.left_nothing();
    assert_eq!(fs::read_dir(mount.0.path().join("work")).unwrap().count(), 0);
    // What was there before is still whole: with room, the same cache works.
    drop(ballast);
    fs::remove_file(mount.0.path().join("ballast")).unwrap();
    let grown = Command::new("mount").args(["-o", "remount,size=4G"]).arg(mount.0.path()).status();
    assert!(grown.unwrap().success());
    let ended = run(&REGISTERED);
    assert_eq!(ended.status(), Some(0), "{}", ended.told());
    assert!(!ended.told().contains("build the image"), "{}", ended.told());
}
