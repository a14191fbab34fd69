//! A directory tree of the user's own files, laid over the provisioned target.

mod laid;
mod search;

use std::path::{Path, PathBuf};

use machine::{Machine, quoted};
use record::{Laid, MachineError};

use crate::tree::{Entry, Modes, Tree, TreeError};
use laid::Before;

/// An empty file of this name and another after it removes that other, as in the layers of container images
/// (OCI Image Format Specification, Image Layer Filesystem Changeset, Whiteouts).
const WHITEOUT: &str = ".wh.";

#[derive(Debug, Clone)]
pub struct Overlay {
    directory: PathBuf,
    /// As it was read, with its whiteouts: what the digest is of.
    whole: Tree,
    /// What is laid.
    tree: Tree,
    /// The paths, below the root, of what is removed.
    removed: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    #[error("the overlay cannot be used: {0}")]
    Tree(#[from] TreeError),
    #[error("the overlay cannot be used: {} {reason}", .file.display())]
    Whiteout { file: PathBuf, reason: &'static str },
}

impl Overlay {
    /// Reads the whole overlay, so that what cannot be laid is known before any machine starts.
    pub fn load(directory: &Path) -> Result<Overlay, OverlayError> {
        let whole = Tree::load(directory, Modes::Kept)?;
        let wrong = |path: &str, reason| OverlayError::Whiteout { file: directory.join(path), reason };
        let (mut laid, mut removed) = (Vec::new(), Vec::new());
        for (path, entry) in whole.entries() {
            let (above, name) = path.rsplit_once('/').map_or(("", path), |(above, name)| (above, name));
            let Some(gone) = name.strip_prefix(WHITEOUT) else {
                laid.push((path.to_owned(), entry.clone()));
                continue;
            };
            if !matches!(entry, Entry::File { content, .. } if content.is_empty()) {
                return Err(wrong(
                    path,
                    "begins with .wh., as an empty file does that removes another: it is not one",
                ));
            }
            if gone.is_empty() || gone.starts_with(WHITEOUT) {
                return Err(wrong(path, "names nothing to remove: use .wh.NAME"));
            }
            removed.push(if above.is_empty() { gone.to_owned() } else { format!("{above}/{gone}") });
        }
        let tree = Tree::from_iter(laid);
        if let Some((both, _)) = tree.entries().find(|(path, _)| removed.iter().any(|gone| gone == path)) {
            return Err(wrong(both, "is both laid and removed"));
        }
        Ok(Overlay { directory: directory.into(), tree, whole, removed })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Names all that it does: equal overlays, equal digests.
    pub fn digest(&self) -> blake3::Hash {
        self.whole.digest()
    }

    /// The paths below the root that it lays files or links at or removes.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let files = self.tree.entries().filter(|(_, entry)| !matches!(entry, Entry::Directory { .. }));
        files.map(|(path, _)| path).chain(self.removed.iter().map(String::as_str))
    }

    /// Whether it lays or removes something at this path.
    pub fn touches(&self, path: &str) -> bool {
        self.paths().any(|known| known == path)
    }

    /// Removes and lays what it names, lets systemd read its units again, and tells what that did. What a machine
    /// only does at boot, such as enabling units by links, takes effect at the next boot.
    pub async fn lay(&self, machine: &dyn Machine) -> Result<Laid, MachineError> {
        if self.whole.is_empty() {
            let directory = self.directory.display().to_string();
            return Ok(Laid { directory, ..Laid::default() });
        }
        let before = Before::look(self, machine).await?;
        if !self.removed.is_empty() {
            let gone = self.removed.iter().map(|path| quoted(&format!("/{path}")));
            machine.succeed(&format!("rm -rf -- {}", gone.collect::<Vec<_>>().join(" "))).await?;
        }
        self.tree.lay_for(&before.owners(&self.tree), machine).await?;
        machine.succeed("systemctl daemon-reload").await?;
        laid::look(self, &before, machine).await
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use machine::fake::{Fake, Node, said};
    use rstest::rstest;

    use super::*;

    /// An overlay of these files; one whose content begins with `->` is a link.
    fn overlay(files: &[(&str, &str)]) -> Result<Overlay, OverlayError> {
        let directory = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("-> ") {
                Some(to) => std::os::unix::fs::symlink(to, path).unwrap(),
                None => std::fs::write(path, content).unwrap(),
            }
        }
        Overlay::load(directory.path()).map(|overlay| Overlay { directory: "mine".into(), ..overlay })
    }

    fn machine(files: &[&str]) -> Fake {
        let machine = Fake::new("fake").answer("systemctl daemon-reload", said(0, ""));
        for path in files {
            machine.put(path, Node::File { mode: 0o644, content: b"ours".into() });
        }
        machine
    }

    #[test]
    fn a_bad_overlay_is_refused_before_any_machine() {
        let error = Overlay::load(Path::new("no/such/directory")).unwrap_err().to_string();
        assert_eq!(error, "the overlay cannot be used: no/such/directory does not exist");
    }

    #[rstest]
    #[case::content(&[("etc/.wh.motd", "text")], "etc/.wh.motd begins with .wh.")]
    #[case::link(&[("etc/.wh.motd", "-> nothing")], "etc/.wh.motd begins with .wh.")]
    #[case::nothing(&[("etc/.wh.", "")], "etc/.wh. names nothing to remove")]
    #[case::opaque(&[("etc/.wh..wh..opq", "")], "etc/.wh..wh..opq names nothing to remove")]
    #[case::both(&[("etc/.wh.motd", ""), ("etc/motd", "")], "etc/motd is both laid and removed")]
    fn a_whiteout_is_an_empty_file_that_names_another(#[case] files: &[(&str, &str)], #[case] says: &str) {
        let error = overlay(files).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[tokio::test]
    async fn a_laid_overlay_is_seen_by_systemd() {
        let machine = machine(&[]);
        overlay(&[("demo.service", "[Service]\n")]).unwrap().lay(&machine).await.unwrap();
        assert!(
            matches!(&machine.files()["/demo.service"], Node::File { content, .. } if content == b"[Service]\n")
        );
        let actions: Vec<String> =
            machine.transcript().take().into_iter().map(|exchange| exchange.action).collect();
        assert!(actions.contains(&"systemctl daemon-reload".to_owned()), "{actions:?}");
    }

    #[tokio::test]
    async fn an_empty_overlay_does_nothing() {
        let machine = Fake::new("fake");
        let laid = overlay(&[]).unwrap().lay(&machine).await.unwrap();
        assert!(machine.transcript().take().is_empty());
        assert_eq!(laid.to_string(), "mine: no files");
    }

    #[tokio::test]
    async fn what_an_overlay_does_and_does_not_do_is_told() {
        let theirs = [
            "/etc/motd",
            "/etc/issue",
            "/etc/binfmt.d/rosetta.conf",
            "/etc/systemd/system/demo.service",
            "/home/user/.profile",
            "/usr/bin/bash",
            "/usr/lib/os-release",
        ];
        let machine = machine(&theirs).answering(|command, files| {
            let gone = command.strip_prefix("rm -rf -- ")?;
            assert_eq!(gone, "'/etc/issue' '/etc/typo'");
            files.remove("/etc/issue");
            Some(said(0, ""))
        });
        let overlay = overlay(&[
            ("etc/motd", "mine"),
            ("etc/.wh.issue", ""),
            ("etc/.wh.typo", ""),
            ("usr/lib/binfmt.d/rosetta.conf", ":"),
            ("etc/systemd/system/multi-user.target.wants/demo.service", "../demo.service"),
            ("etc/systemd/system/demo.service.d/mine.conf", "[Service]"),
            ("home/alice/.config/systemd/user/one.timer", ""),
            ("home/alice/.config/systemd/user/other.timer", ""),
            ("usr/bin/tool", "-> /nix/store/0-tool/bin/tool"),
            ("etc/link", "-> /run/later"),
            ("etc/masked", "-> /dev/null"),
        ]);
        let laid = overlay.unwrap().lay(&machine).await.unwrap();
        assert!(!machine.files().contains_key("/etc/issue"));
        assert_snapshot!(format!("{laid}\n{}", laid.remarks.join("\n")), @r"
        mine: 1 replaced, 8 new, 1 removed, 1 not there to be removed
        /etc/systemd/system/multi-user.target.wants/demo.service has no effect: it is a file, and systemd takes only links there
        /usr/bin/tool leads to /nix/store/0-tool/bin/tool, which the target does not have
        /usr/lib/binfmt.d/rosetta.conf has no effect: /etc/binfmt.d/rosetta.conf hides it
        2 files in /home/alice, which the target does not have: see whether anything looks there
        /etc/typo is to be removed, and the target does not have it
        ");
    }

    #[tokio::test]
    async fn a_script_whose_interpreter_the_target_lacks_is_named() {
        let script = |line: &str| {
            let entry = Entry::File { mode: 0o755, content: format!("{line}\nprint()\n").into() };
            let tree = Tree::from_iter([("usr/bin/tool".to_owned(), entry)]);
            Overlay { directory: "mine".into(), whole: tree.clone(), tree, removed: Vec::new() }
        };
        let python = "the target does not have its interpreter /usr/bin/python3";
        for (line, lacks) in [
            ("#!/usr/bin/python3", Some(python)),
            ("#! /usr/bin/env -S python3 -u", Some(python)),
            ("#!/usr/bin/env bash", None),
            ("#!/bin/bash -eu", None),
            ("plain text", None),
        ] {
            let machine = machine(&["/usr/bin/bash", "/bin/bash", "/usr/bin/env"]);
            let laid = script(line).lay(&machine).await.unwrap();
            let expected = lacks.map(|lacks| format!("/usr/bin/tool cannot run: {lacks}"));
            assert_eq!(laid.remarks, Vec::from_iter(expected), "{line}");
        }
    }

    #[tokio::test]
    async fn files_belong_to_whom_the_directory_or_the_file_they_replace_belongs() {
        let told =
            "d 0 0 /\0d 1000 100 /home/user\0d 1000 100 /home/user/.\0d 0 0 /etc/.\0f 0 42 /etc/shadow\0";
        let machine =
            Fake::new("fake").answering(move |command, _| command.starts_with("find").then(|| said(0, told)));
        let overlay = overlay(&[
            ("home/user/.config/environment.d/10-mine.conf", "EDITOR=vi\n"),
            ("etc/shadow", ""),
            ("etc/motd", ""),
        ]);
        let overlay = overlay.unwrap();
        let owners = Before::look(&overlay, &machine).await.unwrap().owners(&overlay.tree);
        let owners: Vec<String> =
            owners.iter().map(|(path, owner)| format!("{path} {}:{}", owner.user, owner.group)).collect();
        assert_snapshot!(owners.join("\n"), @r"
        etc/shadow 0:42
        home/user 1000:100
        home/user/.config 1000:100
        home/user/.config/environment.d 1000:100
        home/user/.config/environment.d/10-mine.conf 1000:100
        ");
    }
}
