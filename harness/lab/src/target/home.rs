//! Where the fixtures and recipes that come with the harness live.

use std::path::{Path, PathBuf};

use super::TargetError;

/// The directory that holds `fixtures/` and `vm-images/`.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// `$ASSAY_HOME`, else the workspace that the program was built from.
    pub fn find() -> Result<Home, TargetError> {
        let built_from = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").into();
        let home = std::env::var_os("ASSAY_HOME").filter(|home| !home.is_empty());
        Home::at(home.unwrap_or_else(built_from))
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
        let children = std::fs::read_dir(self.fixtures()).into_iter().flatten().flatten();
        let names = children.filter_map(|child| child.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| self.target(name).is_file()).collect();
        names.sort();
        names
    }
}
