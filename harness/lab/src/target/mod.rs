//! What is tested, as a file.

mod carried;
mod existing;
mod home;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::DeTable;

pub use existing::{DiskImage, Existing, Ssh};
pub use home::Home;

use image::cache::CacheError;
use machine::qemu::Firmware;
use manifest::{Document, ManifestError, did_you_mean};
use record::Architecture;

use crate::settings::{Settings, is_table};

/// What a target's file is called in a directory of its own.
pub const TARGET_FILE: &str = "target.toml";

/// The tables of a target file that are no suite's.
pub const OWN_TABLES: [&str; 2] = ["stage", "machine"];

/// A target file: one or more kinds of machine that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub name: String,
    /// The suites that decide about it.
    #[serde(default)]
    pub uses: Vec<Spanned<String>>,
    #[serde(rename = "stage", default)]
    pub stages: BTreeMap<String, Stage>,
    /// What there is of it already.
    #[serde(default)]
    pub machine: Existing,
    /// An overlay, as a path from the file's own directory: the document's own files where the steps have corrected
    /// them, and whiteouts of what they have added.
    pub literal: Option<PathBuf>,
    /// One that every run lays, likewise.
    pub overlay: Option<PathBuf>,
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
    #[error(
        "there is no target {name:?}{}: use one of {}, or the path of a .toml file or of a directory with a {TARGET_FILE}",
        did_you_mean(.name, .known), .known.join(", ")
    )]
    Unknown { name: String, known: Vec<String> },
    #[error(
        "{}: there is no recipe {name:?}{}: use one of {}, or the path of a .toml file",
        .file.display(), did_you_mean(.name, .known), .known.join(", ")
    )]
    NoRecipe { file: PathBuf, name: String, known: Vec<String> },
    #[error("{} has no {TARGET_FILE}: `assay init` makes a directory that has all it needs", .0.display())]
    NoFile(PathBuf),
    #[error("cannot unpack the fixtures that this program carries: {0}")]
    Packed(io::Error),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: {reason}", .file.display())]
    Invalid { file: PathBuf, reason: String },
}

/// The recipe of this name that comes with the harness.
fn built_in(name: &str, home: &Home, file: &Path) -> Result<PathBuf, TargetError> {
    let recipe = home.recipe(name);
    if recipe.is_file() {
        return Ok(recipe);
    }
    Err(TargetError::NoRecipe { file: file.into(), name: name.into(), known: home.recipes() })
}

impl Target {
    /// Finds what a TARGET argument means: the path of a target file, or of a directory that has one, or a built-in name.
    pub fn find(argument: &str, home: &Home) -> Result<Target, TargetError> {
        let path = Path::new(argument);
        let is_path = argument.contains('/') || argument.ends_with(".toml") || argument.starts_with('.');
        let known = home.targets();
        if !is_path && known.iter().any(|name| name == argument) {
            return Target::load(&home.target(argument), home);
        }
        match path.is_dir() {
            true if path.join(TARGET_FILE).is_file() => Target::load(&path.join(TARGET_FILE), home),
            true => Err(TargetError::NoFile(path.into())),
            false if is_path => Target::load(path, home),
            false => Err(TargetError::Unknown { name: argument.into(), known }),
        }
    }

    pub fn load(file: &Path, home: &Home) -> Result<Target, TargetError> {
        let document = Document::read(file)?;
        let mut target = Target::parse(document.text()).map_err(|error| document.malformed(&error))?;
        target.validate().map_err(|reason| TargetError::Invalid { file: file.into(), reason })?;
        let beside = document.directory();
        for stage in target.stages.values_mut() {
            stage.recipe = match stage.recipe.to_str() {
                Some(name) if !name.contains('/') && !name.ends_with(".toml") => built_in(name, home, file)?,
                _ => beside.join(&stage.recipe),
            };
            stage.steps = stage.steps.as_ref().map(|steps| beside.join(steps));
        }
        for overlay in [&mut target.literal, &mut target.overlay] {
            *overlay = overlay.as_ref().map(|overlay| beside.join(overlay));
        }
        target.machine.beside(beside);
        target.settings = Settings::of(document, home.fixtures());
        Ok(target)
    }

    /// Its file.
    pub fn document(&self) -> &Document {
        self.settings.document()
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
        self.machine.validate()?;
        if self.stages.is_empty() && self.machine == Existing::default() {
            return Err("no stage: a target has at least one machine, such as [stage.vm], [machine.ssh] or \
                        [machine.image]"
                .into());
        }
        self.stages.iter().try_for_each(|(name, stage)| {
            stage.validate().map_err(|reason| format!("stage {name}: {reason}"))
        })
    }
}

impl Stage {
    fn validate(&self) -> Result<(), String> {
        plausible(self.memory, self.cpus)?;
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

/// Whether a machine can have so much.
fn plausible(memory: u32, cpus: u8) -> Result<(), String> {
    if memory < 128 {
        return Err(format!("memory = {memory}: it counts MiB, and no target boots with less than 128"));
    }
    if cpus == 0 {
        return Err("cpus = 0: a machine needs at least 1".into());
    }
    Ok(())
}
