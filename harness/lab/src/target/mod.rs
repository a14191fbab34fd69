//! What is tested, as a file.

mod home;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeTable;

pub use home::Home;

use machine::qemu::Firmware;
use manifest::{self, ManifestError};
use record::Architecture;

use crate::settings::{Settings, is_table};

/// The tables of a target file that are no suite's.
pub const OWN_TABLES: [&str; 1] = ["stage"];

/// A target file: one or more kinds of machine that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub name: String,
    #[serde(rename = "stage")]
    pub stages: BTreeMap<String, Stage>,
    /// An overlay, as a path from the file's own directory: the document's own files where the steps have corrected
    /// them, and whiteouts of what they have added.
    pub literal: Option<PathBuf>,
    /// The tables that belong to suites.
    #[serde(skip)]
    pub settings: Settings,
}

/// One kind of machine. Its `recipe` is a built-in name or, like `steps`, a path from the file's own directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    pub architecture: Architecture,
    #[serde(default)]
    pub firmware: Firmware,
    pub recipe: PathBuf,
    /// In MiB.
    pub memory: u32,
    pub cpus: u8,
    /// The image's drives that can be plugged, and how they are when the template is made.
    #[serde(default)]
    pub drives: BTreeMap<String, Drive>,
    pub steps: Option<PathBuf>,
    /// What it takes to have its root in a container; nothing where that makes no sense, or would change the host.
    pub container: Option<Container>,
}

/// How a root is had in a container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// File systems in memory in place of those that the steps mount from a disk: by mount point, the size in MiB.
    #[serde(default)]
    pub volumes: BTreeMap<String, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drive {
    Plugged,
    Unplugged,
}

#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error(
        "{} has no fixtures/: set ASSAY_HOME to the directory that holds fixtures/ and vm-images/",
        .directory.display()
    )]
    Homeless { directory: PathBuf },
    #[error("there is no target {name:?}: use one of {}, or the path of a .toml file", .known.join(", "))]
    Unknown { name: String, known: Vec<String> },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: {reason}", .file.display())]
    Invalid { file: PathBuf, reason: String },
}

impl Target {
    /// Finds what a TARGET argument means: the path of a target file, else a built-in name.
    pub fn find(argument: &str, home: &Home) -> Result<Target, TargetError> {
        if argument.contains('/') || argument.ends_with(".toml") {
            return Target::load(Path::new(argument), home);
        }
        let known = home.targets();
        if known.iter().any(|name| name == argument) {
            return Target::load(&home.target(argument), home);
        }
        Err(TargetError::Unknown { name: argument.into(), known })
    }

    pub fn load(file: &Path, home: &Home) -> Result<Target, TargetError> {
        let text = manifest::text(file)?;
        let mut target = Target::parse(&text).map_err(|error| manifest::located(file, &text, &error))?;
        target.settings = Settings::of(file, &text, home.fixtures());
        target.validate().map_err(|reason| TargetError::Invalid { file: file.into(), reason })?;
        let beside = file.parent().unwrap_or(Path::new("."));
        for stage in target.stages.values_mut() {
            stage.recipe = match stage.recipe.to_str() {
                Some(name) if !name.contains('/') && !name.ends_with(".toml") => home.recipe(name),
                _ => beside.join(&stage.recipe),
            };
            stage.steps = stage.steps.as_ref().map(|steps| beside.join(steps));
        }
        target.literal = target.literal.as_ref().map(|literal| beside.join(literal));
        Ok(target)
    }

    /// All but the tables of suites, which read these themselves.
    fn parse(text: &str) -> Result<Target, toml::de::Error> {
        let mut document = DeTable::parse(text)?;
        let tables = document.get_ref().iter().filter(|(_, value)| is_table(value.get_ref()));
        let of_suites: Vec<String> = tables
            .map(|(name, _)| name.get_ref().to_string())
            .filter(|name| !OWN_TABLES.contains(&&**name))
            .collect();
        for name in of_suites {
            document.get_mut().remove(&*name);
        }
        Target::deserialize(document.into_deserializer())
    }

    fn validate(&self) -> Result<(), String> {
        // The names go into file names and reports.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        for name in self.stages.keys().chain([&self.name]) {
            if name.is_empty() || !name.chars().all(plain) {
                return Err(format!(
                    "the name {name:?}: use lower-case letters, digits, dashes and underscores"
                ));
            }
        }
        if self.stages.is_empty() {
            return Err("no stage: a target has at least one machine, such as [stage.vm]".into());
        }
        self.stages.iter().try_for_each(|(name, stage)| {
            stage.validate().map_err(|reason| format!("stage {name}: {reason}"))
        })
    }
}

impl Stage {
    fn validate(&self) -> Result<(), String> {
        if self.memory < 128 {
            return Err(format!(
                "memory = {}: it counts MiB, and no target boots with less than 128",
                self.memory
            ));
        }
        if self.cpus == 0 {
            return Err("cpus = 0: a machine needs at least 1".into());
        }
        for (path, size) in self.container.iter().flat_map(|container| &container.volumes) {
            if !path.starts_with('/') || *size == 0 {
                return Err(format!(
                    "container.volumes: {path:?} = {size}: name absolute paths, each with a size in MiB"
                ));
            }
        }
        Ok(())
    }
}
