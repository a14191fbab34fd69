//! Bootable disks, built from recipes and kept by digest, and the cache that keeps them.

mod build;
pub mod cache;
mod common;
mod contained;
mod cpio;
mod digest;
mod error;
mod initramfs;
mod log;
mod made;
mod mirror;
mod modules;
mod plan;
mod prerequisites;
mod recipe;

use std::path::{Path, PathBuf};

use crate::cache::{Cache, CacheEvent, Digest, Entry};

pub use error::ImageError;
pub use prerequisites::prerequisites;
pub use recipe::{Architecture, Drive, DriveFile, Foreign, Made, Recipe, RecipeError, Source};

/// The kind under which the cache keeps images.
pub const KIND: &str = "images";

/// The kinds under which it keeps what goes into them.
pub const PARTS: &[&str] = &[made::KIND];

/// What happens on the way to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageProgress {
    /// Another process is building this very image.
    Waiting,
    /// The image in the cache is damaged and will be built again.
    Corrupted { file: PathBuf, reason: String },
    /// A stage of the build begins, or comes on: `done` of `total`, where the
    /// total is known.
    Stage { stage: Stage, done: usize, total: Option<usize> },
    /// The image is there. `built` is false when it was in the cache.
    Ready { built: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Make,
    Download,
    Unpack,
    Configure,
    Lay,
    Kernel,
    Disks,
    Initramfs,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stage::Make => "make what no package has",
            Stage::Download => "download packages",
            Stage::Unpack => "unpack packages",
            Stage::Configure => "configure packages",
            Stage::Lay => "lay files",
            Stage::Kernel => "take the kernel",
            Stage::Disks => "make disks",
            Stage::Initramfs => "make the initramfs",
        })
    }
}

/// A bootable disk and what else its machine needs. It stays in the cache for
/// as long as this lives.
#[derive(Debug)]
pub struct Image {
    entry: Entry,
    architecture: Architecture,
    arguments: Vec<String>,
}

impl Image {
    /// The image of a recipe, built if the cache does not have it.
    ///
    /// # Errors
    /// When something is missing on this host, when a source of the recipe
    /// cannot be read, when the build fails, and when the cache does.
    pub async fn ensure(
        recipe: &Recipe,
        cache: &Cache,
        progress: &(dyn Fn(ImageProgress) + Sync),
    ) -> Result<Self, ImageError> {
        let digest = digest::digest(recipe)?;
        let built = std::sync::atomic::AtomicBool::new(false);
        let events = |event| match event {
            CacheEvent::Waiting => progress(ImageProgress::Waiting),
            CacheEvent::Corrupted { file, reason } => {
                progress(ImageProgress::Corrupted { file, reason });
            }
            CacheEvent::Making => built.store(true, std::sync::atomic::Ordering::Relaxed),
        };
        let make = async |work: &Path| build::build(recipe, digest, cache, work, progress).await;
        let entry = cache.get_or_make(KIND, digest, &events, make).await?;
        progress(ImageProgress::Ready { built: built.into_inner() });
        let (architecture, arguments) = (recipe.architecture, recipe.arguments.clone());
        Ok(Self { entry, architecture, arguments })
    }

    /// The digest under which a recipe's image is kept, whether built or not.
    ///
    /// # Errors
    /// When a source of the recipe cannot be read.
    pub fn digest_of(recipe: &Recipe) -> Result<Digest, ImageError> {
        digest::digest(recipe)
    }

    #[must_use]
    pub fn digest(&self) -> Digest {
        self.entry.digest()
    }

    /// Names its bytes: an image that is built again is another one to whatever
    /// was made on top of it.
    #[must_use]
    pub fn contents(&self) -> Digest {
        self.entry.contents()
    }

    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The root disk: a raw, sparse ext4 file system without partitions.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.entry.path("root.raw")
    }

    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.entry.path("kernel")
    }

    /// What the recipe wants on the kernel's command line.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    #[must_use]
    pub fn initramfs(&self) -> PathBuf {
        self.entry.path("initramfs")
    }

    /// The drive of that name, if the recipe has one.
    #[must_use]
    pub fn drive(&self, name: &str) -> Option<PathBuf> {
        Some(self.entry.path(&format!("{name}.raw"))).filter(|path| path.exists())
    }

    /// Name, version and architecture of every package in it, one a line.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.entry.path("packages.txt")
    }
}
