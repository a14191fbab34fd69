use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use manifest::{Document, ManifestError};
use serde::{Deserialize, Serialize};

use super::common::Common;

/// What an image is built from: a file of `vm-images/`.
///
/// Package versions are those of the archive on the day of the build; the image
/// keeps them in `packages.txt`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// A file with the beginnings of lists that several recipes share, relative to this one.
    pub common: Option<PathBuf>,
    pub architecture: Architecture,
    /// Debian's name of the release.
    pub suite: String,
    /// The archive of Debian's packages, such as one of a snapshot, whose versions stay; else the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    pub hostname: String,
    /// The ordinary user, of uid 1000. Like root, it has no password.
    pub user: String,
    /// Groups that the user is in besides their own.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Size of the root disk, which is sparse.
    pub size_mib: u32,
    /// For the kernel's command line, beside those that the machine needs.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Installed, with what they depend on.
    pub packages: Vec<String>,
    /// Patterns of packages whose files are laid out and whose scripts never run. One that nothing in `packages`
    /// depends on is named in full, and comes without what it depends on itself.
    #[serde(default)]
    pub unpacked: Vec<String>,
    /// Patterns of packages left out though something depends on them.
    #[serde(default)]
    pub dropped: Vec<String>,
    /// Patterns of absolute paths that no package may bring.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Directory trees laid over the root in this order, relative to the recipe.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    #[serde(default)]
    pub foreign: Vec<Foreign>,
    #[serde(default)]
    pub made: Vec<Made>,
    #[serde(default, rename = "drive")]
    pub drives: Vec<Drive>,
    /// Units and generators that must not run, each with the reason.
    #[serde(default)]
    pub masked: BTreeMap<String, String>,
    /// The directory that paths of the recipe are relative to.
    #[serde(skip)]
    pub directory: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    Arm64,
    Amd64,
}

/// Packages of another architecture or release, laid out below a directory of the root.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    pub architecture: Architecture,
    /// Debian's name of the release that they are taken from, when it is not the recipe's.
    pub suite: Option<String>,
    pub packages: Vec<String>,
    pub directory: String,
}

/// A tree that no package has, laid out below a directory of the root. A program of the repository makes it
/// on this host before the root is built: it is given an empty directory, and fills it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The Cargo package of the program, with a `Cargo.lock` of its own, relative to the recipe.
    pub package: PathBuf,
    /// What the tree's own programs and libraries are for.
    pub architecture: Architecture,
    pub directory: String,
}

/// One more ext4 disk, labelled with its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drive {
    pub name: String,
    pub size_mib: u32,
    pub files: Vec<DriveFile>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DriveFile {
    /// Where it goes, relative to the drive.
    pub to: PathBuf,
    #[serde(flatten)]
    pub source: Source,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A path of the finished root.
    FromRoot(PathBuf),
    /// A file of the repository, relative to the recipe.
    From(PathBuf),
}

#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("cannot tell where {} is: {source}", path.display())]
    Nowhere { path: PathBuf, source: std::io::Error },
}

impl Recipe {
    /// # Errors
    /// When the file cannot be read or is not a recipe; the error has its line.
    pub fn load(path: &Path) -> Result<Self, RecipeError> {
        let document = Document::read(path)?;
        let mut recipe: Recipe = document.parse()?;
        recipe.directory = std::path::absolute(document.directory())
            .map_err(|source| RecipeError::Nowhere { path: path.to_owned(), source })?;
        recipe.reject_separators(&document)?;
        if let Some(common) = &recipe.common {
            let document = Document::read(&recipe.directory.join(common))?;
            document.parse::<Common>()?.go_into(&mut recipe);
            recipe.reject_separators(&document)?;
        }
        Ok(recipe)
    }

    /// The lists go to a shell script, one item a line, fields between bars.
    fn reject_separators(&self, document: &Document) -> Result<(), RecipeError> {
        let plan = super::plan::items(self);
        let Some(item) = plan.iter().find(|item| item.contains(['\n', '|'])) else {
            return Ok(());
        };
        let first = item.split(['\n', '|']).next().unwrap_or_default();
        let at = document.text().find(first).unwrap_or_default();
        Err(document.wrong(at, format!("{item:?} may not contain a line break or a bar")).into())
    }
}

impl Architecture {
    /// Debian's name.
    #[must_use]
    pub fn debian(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::Amd64 => "amd64",
        }
    }

    /// The kernel's name, which is QEMU's too.
    #[must_use]
    pub fn machine(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64",
            Self::Amd64 => "x86_64",
        }
    }

    /// Whether this host runs its programs without emulation.
    #[must_use]
    pub fn native(self) -> bool {
        self.machine() == std::env::consts::ARCH
    }
}

impl From<Architecture> for record::Architecture {
    fn from(architecture: Architecture) -> record::Architecture {
        match architecture {
            Architecture::Arm64 => record::Architecture::Aarch64,
            Architecture::Amd64 => record::Architecture::X86,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ManifestError, Recipe, RecipeError};

    fn load(text: &str) -> Result<Recipe, RecipeError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("recipe.toml");
        std::fs::write(&path, text).unwrap();
        Recipe::load(&path)
    }

    #[test]
    fn the_recipes_of_the_repository_are_valid() {
        let vm_images = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vm-images");
        for found in std::fs::read_dir(vm_images).unwrap() {
            let path = found.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                Recipe::load(&path).unwrap();
            }
        }
    }

    #[test]
    fn common_lists_come_first_and_a_recipe_masks_for_its_own_reasons() {
        let directory = tempfile::tempdir().unwrap();
        let common = "packages = ['dash']\n[masked]\n'a.service' = 'common'\n'b.service' = 'common'\n";
        std::fs::write(directory.path().join("common.toml"), common).unwrap();
        let path = directory.path().join("recipe.toml");
        let text = "common = 'common.toml'\narchitecture = 'amd64'\nsuite = 'trixie'\n\
                    hostname = 'h'\nuser = 'u'\nsize_mib = 1\npackages = ['perl-base']\n\
                    [masked]\n'b.service' = 'own'\n";
        std::fs::write(&path, text).unwrap();
        let recipe = Recipe::load(&path).unwrap();
        assert_eq!(recipe.packages, ["dash", "perl-base"]);
        assert_eq!(recipe.masked["a.service"], "common");
        assert_eq!(recipe.masked["b.service"], "own");
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_line() {
        let error = load("architecture = 'arm64'\nsweet = 'trixie'\n").unwrap_err();
        let RecipeError::Manifest(ManifestError::Malformed { line, reason, .. }) = error else {
            panic!("{error}")
        };
        assert_eq!(line, 2);
        assert!(reason.contains("sweet"), "{reason}");
    }
}
