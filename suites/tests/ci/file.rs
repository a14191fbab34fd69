//! The files that the services read.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

pub fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn yaml(text: &str) -> Value {
    serde_norway::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// The paths below the repository, so that a new file is held to the same.
pub fn workflows() -> Vec<String> {
    let workflows = below(".github/workflows");
    assert!(workflows.len() >= 2, "{workflows:?}");
    workflows
}

pub fn actions() -> Vec<String> {
    let actions = below(".github/actions");
    let actions: Vec<String> = actions.into_iter().map(|action| format!("{action}/action.yml")).collect();
    assert!(actions.len() >= 2, "{actions:?}");
    actions
}

pub const GITLAB: &str = ".gitlab-ci.yml";

fn below(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(repository().join(directory)).unwrap();
    let path = |entry: fs::DirEntry| PathBuf::from(directory).join(entry.file_name());
    let mut paths: Vec<String> =
        entries.map(|entry| path(entry.unwrap()).to_string_lossy().into_owned()).collect();
    paths.sort();
    paths
}
