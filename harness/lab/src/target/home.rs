//! Where the fixtures and recipes that come with the harness live.

use std::path::{Path, PathBuf};

use image::cache::Cache;

use super::TargetError;
use super::carried::{self, ARCHIVE};

/// The directory that holds `fixtures/` and `vm-images/`.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// `$ASSAY_HOME`, else what the program carries, else the workspace that it was built from.
    pub fn find() -> Result<Home, TargetError> {
        match std::env::var_os("ASSAY_HOME").filter(|home| !home.is_empty()) {
            Some(home) => Home::at(home),
            None if ARCHIVE.is_empty() => Home::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")),
            None => Home::at(carried::unpacked(ARCHIVE, &Cache::open()?).map_err(TargetError::Packed)?),
        }
    }

    pub fn at(directory: impl Into<PathBuf>) -> Result<Home, TargetError> {
        let directory = directory.into();
        match directory.canonicalize() {
            Ok(home) if home.join("fixtures").is_dir() => Ok(Home(home)),
            _ => Err(TargetError::Homeless { directory }),
        }
    }

    pub fn directory(&self) -> &Path {
        &self.0
    }

    pub fn fixtures(&self) -> PathBuf {
        self.0.join("fixtures")
    }

    /// The file of the built-in target of this name, there or not.
    pub fn target(&self, name: &str) -> PathBuf {
        self.fixtures().join(name).join("target.toml")
    }

    pub fn recipe(&self, name: &str) -> PathBuf {
        self.0.join("vm-images").join(name).with_extension("toml")
    }

    /// The names of the built-in targets, in order.
    pub fn targets(&self) -> Vec<String> {
        let names = names_in(&self.fixtures());
        names.into_iter().filter(|name| self.target(name).is_file()).collect()
    }

    /// The names of the built-in recipes, in order.
    pub fn recipes(&self) -> Vec<String> {
        let names = names_in(&self.0.join("vm-images"));
        names.iter().filter_map(|name| name.strip_suffix(".toml")).map(str::to_owned).collect()
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let children = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = children.filter_map(|child| child.file_name().into_string().ok()).collect();
    names.sort();
    names
}
