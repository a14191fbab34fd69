//! What is on a disk, to tell what was done to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;

use ext4_view::{Ext4, FileType, Metadata};

use super::files;

/// Every path of an ext4 file system and what is there, except times and extended attributes.
#[derive(Debug)]
pub struct Contents(BTreeMap<Vec<u8>, Node>);

#[derive(Debug, PartialEq, Eq)]
struct Node {
    mode: u16,
    owner: (u32, u32),
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Directory,
    File(blake3::Hash),
    Link(Vec<u8>),
    /// A device, pipe or socket.
    Special(&'static str),
}

/// One path at which two disks are not alike. What a guest has named is escaped.
#[derive(Debug)]
pub struct Difference {
    path: String,
    change: String,
}

impl Contents {
    /// Reads a raw image, with what only its journal holds so far.
    pub fn of(image: File) -> io::Result<Contents> {
        let files = Ext4::load(Box::new(image)).map_err(io::Error::other)?;
        let mut nodes = BTreeMap::new();
        files::visit(&files, |entry, metadata| {
            let path = entry.path();
            let what = match metadata.file_type() {
                FileType::Directory => What::Directory,
                FileType::Symlink => What::Link(files.read_link(&path)?.as_ref().to_vec()),
                FileType::Regular => {
                    let mut hasher = blake3::Hasher::new();
                    hasher.update_reader(files.open(&path)?)?;
                    What::File(hasher.finalize())
                }
                FileType::BlockDevice => What::Special("a block device"),
                FileType::CharacterDevice => What::Special("a character device"),
                FileType::Fifo => What::Special("a named pipe"),
                FileType::Socket => What::Special("a socket"),
            };
            nodes.insert(AsRef::<[u8]>::as_ref(&path).to_vec(), Node::new(metadata, what));
            Ok(())
        })?;
        Ok(Contents(nodes))
    }

    /// Where this disk is not like an earlier one, leaving out these paths and all below them.
    pub fn since(&self, earlier: &Contents, left_out: &[&str]) -> Vec<Difference> {
        let paths: BTreeSet<&Vec<u8>> = earlier.0.keys().chain(self.0.keys()).collect();
        let counts = |path: &&Vec<u8>| !left_out.iter().any(|above| is_in(path, above));
        let difference = |path: &Vec<u8>| {
            let change = change(earlier.0.get(path), self.0.get(path))?;
            Some(Difference { path: path.escape_ascii().to_string(), change })
        };
        paths.into_iter().filter(counts).filter_map(difference).collect()
    }
}

impl Node {
    fn new(metadata: &Metadata, what: What) -> Node {
        Node { mode: metadata.mode() & 0o7777, owner: (metadata.uid(), metadata.gid()), what }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.change)
    }
}

fn is_in(path: &[u8], above: &str) -> bool {
    let below = path.strip_prefix(above.as_bytes());
    below.is_some_and(|below| below.is_empty() || below[0] == b'/')
}

fn change(before: Option<&Node>, after: Option<&Node>) -> Option<String> {
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) if before == after => return None,
        (Some(before), Some(after)) => (before, after),
        (None, Some(_)) => return Some("is new".to_owned()),
        (Some(_), None) => return Some("is gone".to_owned()),
        (None, None) => return None,
    };
    let mut changes = Vec::new();
    match (&before.what, &after.what) {
        (before, after) if before == after => {}
        (What::File(_), What::File(_)) => changes.push("has another content".to_owned()),
        (_, after) => changes.push(format!("has become {after}")),
    }
    if before.mode != after.mode {
        changes.push(format!("has mode {:04o} instead of {:04o}", after.mode, before.mode));
    }
    if before.owner != after.owner {
        let ((user, group), (was, of)) = (after.owner, before.owner);
        changes.push(format!("belongs to {user}:{group} instead of {was}:{of}"));
    }
    Some(changes.join(" and "))
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Directory => write!(f, "a directory"),
            What::File(_) => write!(f, "a file"),
            What::Link(to) => write!(f, "a link to {}", to.escape_ascii()),
            What::Special(what) => write!(f, "{what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    /// What is on a disk with this tree.
    fn contents(fill: impl FnOnce(&Path)) -> Contents {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir_all(root.join("etc/below")).unwrap();
        fs::write(root.join("etc/file"), "one\n").unwrap();
        fs::set_permissions(root.join("etc/file"), Permissions::from_mode(0o644)).unwrap();
        symlink("file", root.join("etc/link")).unwrap();
        fill(root);
        Contents::of(files::image_of(root).into_file()).unwrap()
    }

    fn differences(fill: impl FnOnce(&Path), left_out: &[&str]) -> Vec<String> {
        let differences = contents(fill).since(&contents(|_| ()), left_out);
        differences.iter().map(Difference::to_string).collect()
    }

    #[test]
    fn equal_trees_have_no_differences() {
        assert_eq!(differences(|_| (), &[]), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_told() {
        let changed = differences(
            |root| {
                fs::write(root.join("etc/file"), "two\n").unwrap();
                fs::set_permissions(root.join("etc/file"), Permissions::from_mode(0o600)).unwrap();
                fs::remove_file(root.join("etc/link")).unwrap();
                symlink("a\u{1b}[2J", root.join("etc/link")).unwrap();
                fs::remove_dir(root.join("etc/below")).unwrap();
                fs::write(root.join("etc/n\new"), "").unwrap();
            },
            &[],
        );
        assert_eq!(
            changed,
            [
                "/etc/below is gone",
                "/etc/file has another content and has mode 0600 instead of 0644",
                r"/etc/link has become a link to a\x1b[2J",
                r"/etc/n\new is new",
            ]
        );
    }

    #[test]
    fn what_is_left_out_does_not_count() {
        let fill = |root: &Path| {
            fs::create_dir(root.join("etc-2")).unwrap();
            fs::write(root.join("etc/below/new"), "").unwrap();
        };
        assert_eq!(differences(fill, &["/etc"]), ["/etc-2 is new"]);
    }

    #[test]
    fn what_is_no_file_system_is_an_error() {
        Contents::of(tempfile::tempfile().unwrap()).unwrap_err();
    }
}
