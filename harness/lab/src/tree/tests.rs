use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use async_trait::async_trait;
use machine::Machine;
use machine::fake::{Fake, Node};
use proptest::prelude::*;
use record::{MachineError, Output, Status, Transcript};
use rstest::rstest;

use super::{Entry, Modes, Owners, Tree};

/// This host's own shell: shows that the commands mean what the fake makes of them.
#[derive(Default)]
struct Here(Transcript);

#[async_trait]
impl Machine for Here {
    fn name(&self) -> &str {
        "here"
    }

    fn transcript(&self) -> &Transcript {
        &self.0
    }

    async fn run_within(&self, command: &str, _: Duration) -> Result<Output, MachineError> {
        let ran = Command::new("sh").args(["-c", command]).output().expect("a shell");
        let status = Status::Exit(ran.status.code().unwrap_or(-1));
        Ok(Output { status, stdout: ran.stdout, stderr: ran.stderr })
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError> {
        Ok(std::fs::read(path).expect("a readable file"))
    }

    async fn write(&self, path: &Path, content: &[u8], _: u32) -> Result<(), MachineError> {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("a writable file");
        Ok(())
    }

    fn began(&self) -> Duration {
        Duration::ZERO
    }

    async fn uptime(&self) -> Result<Duration, MachineError> {
        Ok(Duration::ZERO)
    }

    async fn lapse(&self, _: Duration) -> Result<Duration, MachineError> {
        Ok(Duration::ZERO)
    }

    async fn end(&self) {}
}

fn file(content: &str, mode: u32) -> Entry {
    Entry::File { mode, content: content.into() }
}

fn tree() -> Tree {
    let long = format!("etc/{}/{}", "d".repeat(120), "n".repeat(120));
    Tree::from_iter([
        ("etc".to_owned(), Entry::Directory { mode: 0o700 }),
        ("etc/plain".to_owned(), file("plain\n", 0o644)),
        ("etc/secret".to_owned(), file("", 0o600)),
        ("etc/a name; 'quoted' $HOME\nnext".to_owned(), file("odd", 0o755)),
        ("etc/link".to_owned(), Entry::Link { to: "../elsewhere/nothing".into() }),
        (long, file("deep", 0o640)),
    ])
}

#[tokio::test]
async fn a_laid_tree_has_no_differences() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    let here: &dyn Machine = &Here::default();
    let all: Vec<String> = tree().entries().map(|(path, _)| format!("/{path}")).collect();
    assert_eq!(tree().differences_under(root, here).await.unwrap(), all);
    tree().lay_under(root, &Owners::default(), here).await.unwrap();
    assert_eq!(tree().differences_under(root, here).await.unwrap(), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(format!("{root}/run")).unwrap().collect();
    assert!(left.is_empty(), "the archive is left behind: {left:?}");
}

#[tokio::test]
async fn laying_replaces_links_and_keeps_directories() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let outside = root.join("outside");
    std::fs::write(&outside, "untouched").unwrap();
    std::fs::create_dir(root.join("real")).unwrap();
    symlink("real", root.join("etc")).unwrap();
    symlink(&outside, root.join("real/plain")).unwrap();
    let before = root.join("real").metadata().unwrap().permissions();
    let here: &dyn Machine = &Here::default();
    tree().lay_under(root.to_str().unwrap(), &Owners::default(), here).await.unwrap();
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "untouched");
    assert_eq!(std::fs::read_to_string(root.join("real/plain")).unwrap(), "plain\n");
    assert!(root.join("etc").is_symlink());
    assert_eq!(root.join("real").metadata().unwrap().permissions(), before);
    assert!(tree().differences_under(root.to_str().unwrap(), here).await.unwrap().is_empty());
}

#[rstest]
#[case::content(|root: &Path| std::fs::write(root.join("etc/plain"), "other\n").unwrap(), "/etc/plain")]
#[case::mode(|root: &Path| mode(&root.join("etc/secret"), 0o644), "/etc/secret")]
#[case::gone(|root: &Path| std::fs::remove_file(root.join("etc/link")).unwrap(), "/etc/link")]
#[case::pipe(pipe, "/etc/plain")]
#[tokio::test]
async fn what_changed_is_named(#[case] change: fn(&Path), #[case] named: &str) {
    let root = tempfile::tempdir().unwrap();
    let here: &dyn Machine = &Here::default();
    tree().lay_under(root.path().to_str().unwrap(), &Owners::default(), here).await.unwrap();
    change(root.path());
    let differences = tree().differences_under(root.path().to_str().unwrap(), here).await.unwrap();
    assert_eq!(differences, [named]);
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

fn pipe(root: &Path) {
    let path = root.join("etc/plain");
    std::fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").args(["-m", "644"]).arg(path).status().unwrap().success());
}

#[tokio::test]
async fn the_fake_machine_lays_trees_like_a_real_one() {
    let fake = Fake::new("fake");
    fake.put("/etc/plain", Node::Link { to: "/outside".into() });
    let machine: &dyn Machine = &fake;
    tree().lay(machine).await.unwrap();
    assert!(tree().differences(machine).await.unwrap().is_empty());
    assert_eq!(fake.files()["/etc/plain"], Node::File { mode: 0o644, content: "plain\n".into() });
    fake.put("/etc/secret", Node::File { mode: 0o644, content: Vec::new() });
    assert_eq!(tree().differences(machine).await.unwrap(), ["/etc/secret"]);
}

#[tokio::test]
async fn a_look_costs_one_command_and_a_lay_two_exchanges() {
    let fake = Fake::new("fake");
    tree().differences(&fake).await.unwrap();
    assert_eq!(fake.transcript().take().len(), 1);
    tree().lay(&fake).await.unwrap();
    assert_eq!(fake.transcript().take().len(), 2);
}

#[tokio::test]
async fn a_tree_too_big_for_one_command_is_looked_at_in_parts() {
    let many = Tree::from_iter((0..2000).map(|n| (format!("etc/{n:0>60}"), file("", 0o644))));
    let fake = Fake::new("fake");
    many.lay(&fake).await.unwrap();
    fake.transcript().take();
    assert!(many.differences(&fake).await.unwrap().is_empty());
    let commands = fake.transcript().take();
    assert_eq!(commands.len(), 3);
    assert!(commands.iter().all(|exchange| exchange.action.len() < 128 << 10));
}

#[test]
fn loading_keeps_links_and_reads_nothing_behind_them() {
    let directory = tempfile::tempdir().unwrap();
    symlink("/etc", directory.path().join("out")).unwrap();
    std::fs::write(directory.path().join("program"), "#!/bin/sh\n").unwrap();
    mode(&directory.path().join("program"), 0o4711);
    let kept = Tree::load(directory.path(), Modes::Kept).unwrap();
    let expected = [
        ("out".to_owned(), Entry::Link { to: "/etc".into() }),
        ("program".to_owned(), file("#!/bin/sh\n", 0o4711)),
    ];
    assert_eq!(kept, Tree::from_iter(expected));
    let plain = Tree::load(directory.path(), Modes::Plain).unwrap();
    assert_eq!(plain.entries["program"], file("#!/bin/sh\n", 0o755));
    assert_ne!(kept.digest(), plain.digest());
}

#[rstest]
#[case::socket(|path: &Path| drop(UnixListener::bind(path).unwrap()), "is a socket, which cannot")]
#[case::pipe(|path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()), "is a named pipe")]
#[case::big(|path: &Path| std::fs::File::create(path).unwrap().set_len(65 << 20).unwrap(), "at most 64 MiB")]
fn what_cannot_be_laid_is_refused(#[case] make: fn(&Path), #[case] says: &str) {
    let directory = tempfile::tempdir().unwrap();
    make(&directory.path().join("thing"));
    let error = Tree::load(directory.path(), Modes::Kept).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn only_a_directory_is_a_tree() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let message = |path: &Path| Tree::load(path, Modes::Kept).unwrap_err().to_string();
    assert_eq!(message(&file), format!("{} is not a directory", file.display()));
    let missing = directory.path().join("missing");
    assert_eq!(message(&missing), format!("{} does not exist", missing.display()));
}

proptest! {
    #[test]
    fn digests_tell_trees_apart(
        one in proptest::collection::btree_map("[ab]{1,2}", "[ab]{0,2}", 0..3),
        other in proptest::collection::btree_map("[ab]{1,2}", "[ab]{0,2}", 0..3),
    ) {
        let tree = |map: &std::collections::BTreeMap<String, String>| {
            Tree::from_iter(map.iter().map(|(path, text)| (path.clone(), file(text, 0o644))))
        };
        prop_assert_eq!(tree(&one).digest() == tree(&other).digest(), one == other);
    }
}
