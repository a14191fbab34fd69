//! A directory tree that can be laid over a machine's root.

mod carry;
mod load;
mod sight;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use load::{Modes, TreeError};
pub use sight::{Seen, Sight};

/// Files, links and directories by their path below the root, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

/// Whose a file is, by number. Root's, when nobody says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    pub user: u64,
    pub group: u64,
}

/// By the path below the root.
pub type Owners = BTreeMap<String, Owner>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Made with this mode where there is none; one that exists is left as it is.
    Directory {
        mode: u32,
    },
    File {
        mode: u32,
        content: Vec<u8>,
    },
    Link {
        to: String,
    },
}

impl Tree {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every path below the root, with what is there.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Names the tree's whole content: equal trees, equal digests.
    pub fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            // With its length first, no field can run over into the next.
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for (path, entry) in &self.entries {
            field(path.as_bytes());
            match entry {
                Entry::Directory { mode } => {
                    field(b"directory");
                    field(&mode.to_le_bytes());
                }
                Entry::File { mode, content } => {
                    field(b"file");
                    field(&mode.to_le_bytes());
                    field(content);
                }
                Entry::Link { to } => {
                    field(b"link");
                    field(to.as_bytes());
                }
            }
        }
        hasher.finalize()
    }
}

impl FromIterator<(String, Entry)> for Tree {
    fn from_iter<I: IntoIterator<Item = (String, Entry)>>(entries: I) -> Self {
        Tree { entries: entries.into_iter().collect() }
    }
}
