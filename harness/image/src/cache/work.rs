use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::{At, CacheError};
use super::lock::Lock;
use super::{Cache, manifest};

/// A directory in which an entry is made. It goes when this is dropped, or when
/// the next process opens the cache after this one was killed.
#[derive(Debug)]
pub(super) struct Work {
    path: PathBuf,
    /// Absent when it may as well be swept.
    _alive: Option<Lock>,
}

impl Work {
    pub fn begin(cache: &Cache) -> Result<Self, CacheError> {
        // No sweep may come between making the directory and locking it.
        let _unswept = Lock::shared(&sweeping(cache))?;
        let path = vacant_place(cache)?;
        fs::create_dir(&path).at(&path)?;
        let alive = Lock::try_exclusive_directory(&path)?;
        if alive.is_none() {
            return Err(CacheError::InUse(path));
        }
        Ok(Self { path, _alive: alive })
    }

    /// An entry turned back into work, which goes when it is dropped.
    pub fn discarded(cache: &Cache, place: &Path) -> Result<Self, CacheError> {
        let _unswept = Lock::shared(&sweeping(cache))?;
        let path = vacant_place(cache)?;
        fs::rename(place, &path).at(place)?;
        Ok(Self { path, _alive: None })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Seals what was made and puts it at `place` in one step.
    pub fn finish(&self, place: &Path) -> Result<(), CacheError> {
        manifest::seal(&self.path)?;
        let kind = place.parent().unwrap_or(place);
        fs::create_dir_all(kind).at(kind)?;
        fs::rename(&self.path, place).at(place)?;
        File::open(kind).and_then(|directory| directory.sync_all()).at(kind)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // After `finish` there is nothing here; after a failure the sweep of
        // the next process has another go.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A directory of a process's own, which goes with it.
#[derive(Debug)]
pub struct Scratch(Work);

impl Cache {
    /// An empty directory for what nobody needs afterwards.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self) -> Result<Scratch, CacheError> {
        Work::begin(self).map(Scratch)
    }
}

impl Scratch {
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Removes the work of processes that are no more.
pub(super) fn sweep(cache: &Cache) -> Result<(), CacheError> {
    let _sweeping = Lock::exclusive(&sweeping(cache))?;
    let directory = cache.root().join("work");
    for name in names(&directory)? {
        let path = directory.join(name);
        match Lock::try_exclusive_directory(&path) {
            Ok(Some(_dead)) => gone(fs::remove_dir_all(&path)).at(&path)?,
            Ok(None) => {}
            // Its owner finished or dropped it this very moment.
            Err(_) if !path.exists() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The names in a directory, none when it does not exist.
pub(super) fn names(directory: &Path) -> Result<Vec<String>, CacheError> {
    let listing = match fs::read_dir(directory) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).at(directory),
    };
    let mut names = Vec::new();
    for found in listing {
        names.extend(found.at(directory)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Bytes that a tree occupies on the disk.
pub(super) fn size(path: &Path) -> Result<u64, CacheError> {
    const BLOCK: u64 = 512;
    let data = fs::symlink_metadata(path).at(path)?;
    let mut size = data.blocks() * BLOCK;
    if data.is_dir() {
        for name in names(path)? {
            size += self::size(&path.join(name))?;
        }
    }
    Ok(size)
}

/// A place that only this process has a name for.
fn vacant_place(cache: &Cache) -> Result<PathBuf, CacheError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = cache.root().join("work").join(name);
    if path.exists() {
        // The process of that number is dead: this one has it.
        fs::remove_dir_all(&path).at(&path)?;
    }
    Ok(path)
}

fn sweeping(cache: &Cache) -> PathBuf {
    cache.root().join("locks").join("sweep")
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
