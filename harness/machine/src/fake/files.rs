//! The files of a machine that only pretends.

use std::collections::BTreeMap;
use std::io::Read;

use sha2::{Digest, Sha256};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Directory { mode: u32 },
    File { mode: u32, content: Vec<u8> },
    Link { to: String },
}

/// A file tree in memory, by absolute path.
pub type Files = BTreeMap<String, Node>;

/// Does what `tar -x` does with this archive below the root.
pub fn unpack(files: &mut Files, archive: &[u8]) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = format!("/{}", entry.path()?.display());
        let mode = entry.header().mode()?;
        let node = match entry.header().entry_type() {
            tar::EntryType::Directory => Node::Directory { mode },
            tar::EntryType::Symlink => {
                let to = entry.link_name()?.unwrap_or_default().display().to_string();
                Node::Link { to }
            }
            _ => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                Node::File { mode, content }
            }
        };
        let stays =
            matches!((files.get(&path), &node), (Some(Node::Directory { .. }), Node::Directory { .. }));
        if !stays {
            files.insert(path, node);
        }
    }
    Ok(())
}

/// Tells about paths what `find -printf '%Y %U %G %p\0'` tells: all of it is root's.
pub fn sight(files: &Files, paths: &[&str]) -> Vec<u8> {
    let mut told = String::new();
    for path in paths {
        let place = path.trim_end_matches('.').trim_end_matches('/');
        let behind = match files.get(place) {
            Some(Node::File { .. }) => 'f',
            Some(Node::Link { to }) if files.contains_key(to) => 'f',
            Some(Node::Link { .. }) => 'N',
            Some(Node::Directory { .. }) => 'd',
            None if place.is_empty() || files.keys().any(|known| known.starts_with(&format!("{place}/"))) => {
                'd'
            }
            None => continue,
        };
        told.push_str(&format!("{behind} 0 0 {path}\0"));
    }
    told.into_bytes()
}

/// Tells about paths what `find -printf '%y\0%Y\0%m\0%l\0%p\0'` and then `sha256sum -z` tell.
pub fn look(files: &Files, paths: &[String]) -> Vec<u8> {
    let mut facts = String::new();
    let mut sums = String::new();
    for path in paths {
        match files.get(path) {
            Some(Node::Directory { mode }) => facts.push_str(&format!("d\0d\0{mode:o}\0\0{path}\0")),
            Some(Node::Link { to }) => {
                let behind = match files.get(to) {
                    Some(Node::Directory { .. }) => 'd',
                    Some(Node::File { .. }) => 'f',
                    Some(Node::Link { .. }) => '?',
                    None => 'N',
                };
                facts.push_str(&format!("l\0{behind}\0777\0{to}\0{path}\0"));
            }
            Some(Node::File { mode, content }) => {
                facts.push_str(&format!("f\0f\0{mode:o}\0\0{path}\0"));
                sums.push_str(&format!("{:x}  {path}\0", Sha256::digest(content)));
            }
            None => {}
        }
    }
    (facts + &sums).into_bytes()
}
