//! A `flake.lock`, as it is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inputs::{DEPTH_LIMIT, INPUT_LIMIT, Inputs, NAME_LIMIT, inputs};

/// The most of a lock file, in bytes. That of a large system is about 100 kB.
pub const SIZE_LIMIT: u64 = 16 << 20;
/// The format that is read.
const VERSION: u32 = 7;

/// What a lock file says.
#[derive(Debug)]
pub struct Lock {
    pub(super) inputs: Inputs,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Deserialize)]
struct Written {
    nodes: BTreeMap<String, Node>,
    /// The node of the flake itself.
    root: String,
}

#[derive(Debug, Deserialize)]
pub struct Node {
    #[serde(default)]
    pub inputs: BTreeMap<String, Link>,
    pub locked: Option<Reference>,
    /// What the flake asked for.
    pub original: Option<Reference>,
    /// What else there is, such as `flake` and `parent`.
    #[serde(flatten)]
    pub rest: Fields,
}

/// What is written, by name.
pub type Fields = BTreeMap<String, Value>;

/// Where an input leads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Link {
    Node(String),
    /// Names of inputs, from the root.
    Follows(Vec<String>),
}

/// Attributes of a flake reference ("nix flake", "Flake references").
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    pub r#type: String,
    pub owner: Option<String>,
    pub repo: Option<String>,
    pub host: Option<String>,
    pub url: Option<String>,
    pub path: Option<String>,
    pub id: Option<String>,
    pub dir: Option<String>,
    pub rev: Option<String>,
    pub nar_hash: Option<String>,
    /// In seconds since 1970.
    pub last_modified: Option<i64>,
    /// What else there is, such as `ref` and `submodules`.
    #[serde(flatten)]
    pub rest: Fields,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("{}: {flaw}", .file.display())]
    Flawed { file: PathBuf, flaw: Flaw },
}

#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    #[error("it is larger than {} MiB", SIZE_LIMIT >> 20)]
    TooLarge,
    #[error("it is no flake.lock: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("it is of version {0}, and only {VERSION} is read: `nix flake lock` writes it")]
    Version(u32),
    #[error("there is no node {0:?}")]
    NoNode(String),
    #[error("the input {input:?} follows {path:?}, which leads nowhere")]
    NoPath { input: String, path: String },
    #[error("it has more than {INPUT_LIMIT} inputs")]
    TooMany,
    #[error("the name of an input is longer than {NAME_LIMIT} bytes")]
    NameTooLong,
    #[error("its inputs are nested more than {DEPTH_LIMIT} deep")]
    TooDeep,
}

impl Lock {
    pub fn load(file: &Path) -> Result<Lock, LockError> {
        let unreadable = |source| LockError::Unreadable { file: file.into(), source };
        let mut bytes = Vec::new();
        let source = File::open(file).map_err(unreadable)?;
        source.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Lock::parse(&bytes).map_err(|flaw| LockError::Flawed { file: file.into(), flaw })
    }

    pub fn parse(bytes: &[u8]) -> Result<Lock, Flaw> {
        if bytes.len() as u64 > SIZE_LIMIT {
            return Err(Flaw::TooLarge);
        }
        // Before the rest, which another version has otherwise.
        let Versioned { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(Flaw::Version(version));
        }
        let Written { nodes, root } = serde_json::from_slice(bytes)?;
        let nodes = nodes.into_iter().map(|(name, node)| (name, Arc::new(node))).collect();
        Ok(Lock { inputs: inputs(&nodes, &root)? })
    }
}
