//! What is expensive to make, kept by the digest of what it is made from.
//!
//! ```text
//! <root>/<kind>/<digest>/   an entry: immutable, verified against its manifest
//! <root>/work/              entries being made, and what goes after use, each locked by its maker
//! <root>/locks/             who makes what, and what was verified when
//! <root>/logs/              kept after failures
//! <root>/home/              fixtures and recipes of installed programs
//! <root>/built/             programs that cargo has built from source; it knows when to build them again
//! ```
//!
//! Only a directory that is complete and synced is ever renamed to its place,
//! so the cache survives being killed at any moment, and any number of
//! processes share one. When it grows beyond `$ASSAY_CACHE_SIZE` GiB, what was
//! not used for longest goes.

mod entry;
mod error;
mod lock;
mod manifest;
mod room;
mod work;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use entry::Entry;
pub use error::CacheError;
pub use work::Scratch;

use error::At;
use lock::Lock;
use work::Work;

/// Names an entry: the BLAKE3 digest of everything it is made from.
pub type Digest = blake3::Hash;

/// What happens on the way to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheEvent {
    /// Another process is making this very entry; its result will be used.
    Waiting,
    /// An entry was there, but this file of it is not what was written.
    Corrupted { file: PathBuf, reason: String },
    /// Nothing usable was there: it is made now.
    Making,
}

/// An entry as [`Cache::list`] sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub digest: Digest,
    /// Bytes that it occupies on the disk, holes not counted.
    pub size: u64,
    pub made: SystemTime,
}

#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    /// Bytes that the entries may occupy together.
    limit: u64,
}

impl Cache {
    /// The user's cache: `$ASSAY_CACHE`, else `$XDG_CACHE_HOME/assay`, else
    /// `~/.cache/assay`.
    ///
    /// # Errors
    /// When none of the three variables is set, or as [`Cache::at`].
    pub fn open() -> Result<Self, CacheError> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let root = set("ASSAY_CACHE")
            .map(PathBuf::from)
            .or_else(|| set("XDG_CACHE_HOME").map(|xdg| Path::new(&xdg).join("assay")))
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache/assay")))
            .ok_or(CacheError::Nowhere)?;
        Self::at(root)
    }

    /// A cache at `root`, made when it is not there. What dead processes left
    /// unfinished is removed.
    ///
    /// # Errors
    /// When `root` cannot be made or written, or the variable for its size says no size.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let root = std::path::absolute(root.into()).at(Path::new("."))?;
        for name in ["work", "locks", "logs"] {
            let directory = root.join(name);
            fs::create_dir_all(&directory).at(&directory)?;
        }
        let cache = Self { root, limit: room::limit()? };
        work::sweep(&cache)?;
        Ok(cache)
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where logs go that outlive a failure.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The entry of this kind and digest. When there is none yet, `make` fills
    /// the empty directory that it is given; if another process is already at
    /// it, that one's result is awaited and used.
    ///
    /// # Errors
    /// What `make` returns; a full disk; files that cannot be read or written.
    pub async fn get_or_make<E, F>(
        &self,
        kind: &str,
        digest: Digest,
        events: &(dyn Fn(CacheEvent) + Sync),
        make: F,
    ) -> Result<Entry, E>
    where
        E: From<CacheError>,
        F: AsyncFnOnce(&Path) -> Result<(), E>,
    {
        let place = self.place(kind, digest);
        if let Ok(Some(entry)) = self.verified(kind, digest).await? {
            return Ok(entry);
        }

        let making = self.maker(kind, digest);
        let _making = match Lock::try_exclusive(&making)? {
            Some(lock) => lock,
            None => {
                events(CacheEvent::Waiting);
                blocking(move || Lock::exclusive(&making)).await?
            }
        };
        match self.verified(kind, digest).await? {
            Ok(Some(entry)) => return Ok(entry),
            Ok(None) => {}
            Err((file, reason)) => {
                events(CacheEvent::Corrupted { file, reason });
                self.discard(&place)?;
            }
        }

        events(CacheEvent::Making);
        let work = Work::begin(self)?;
        if let Err(error) = make(work.path()).await {
            return Err(self.full().map_or(error, E::from));
        }
        let cache = self.clone();
        // The work is still there when the disk is asked how full it is.
        let finished = move || work.finish(&place).map_err(|error| cache.full().unwrap_or(error));
        blocking(finished).await?;
        let entry = match self.verified(kind, digest).await? {
            Ok(Some(entry)) => entry,
            Ok(None) => return Err(CacheError::Vanished(self.place(kind, digest)).into()),
            Err((file, reason)) => return Err(CacheError::Unstable { file, reason }.into()),
        };
        let cache = self.clone();
        blocking(move || cache.make_room()).await?;
        Ok(entry)
    }

    /// The entries of a kind, newest first.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn list(&self, kind: &str) -> Result<Vec<Listed>, CacheError> {
        let directory = self.root.join(kind);
        let mut entries = Vec::new();
        for name in work::names(&directory)? {
            let Ok(digest) = Digest::from_hex(&name) else { continue };
            let place = directory.join(&name);
            let listed = || {
                let made = fs::metadata(&place).and_then(|data| data.modified()).at(&place)?;
                Ok(Listed { digest, size: work::size(&place)?, made })
            };
            match listed() {
                Ok(entry) => entries.push(entry),
                // Somebody removes it this very moment.
                Err(_) if !place.exists() => {}
                Err(error) => return Err(error),
            }
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.made));
        Ok(entries)
    }

    /// Removes an entry, and says whether there was one.
    ///
    /// # Errors
    /// [`CacheError::InUse`] while some process makes or uses it.
    pub fn remove(&self, kind: &str, digest: Digest) -> Result<bool, CacheError> {
        let place = self.place(kind, digest);
        let in_use = || CacheError::InUse(place.clone());
        let _making = Lock::try_exclusive(&self.maker(kind, digest))?.ok_or_else(in_use)?;
        if !place.exists() {
            return Ok(false);
        }
        let _using = Lock::try_exclusive_directory(&place)?.ok_or_else(in_use)?;
        self.discard(&place)?;
        let _ = fs::remove_file(self.stamps(kind, digest));
        Ok(true)
    }

    /// `Err` in the inner result names the file that is not as it was written.
    async fn verified(
        &self,
        kind: &str,
        digest: Digest,
    ) -> Result<Result<Option<Entry>, (PathBuf, String)>, CacheError> {
        let place = self.place(kind, digest);
        let stamps = self.stamps(kind, digest);
        let found = blocking(move || entry::open(&place, digest, &stamps)).await?;
        if let Ok(Some(_)) = found {
            self.mark_used(kind, digest);
        }
        Ok(found)
    }

    /// Renamed first: whoever looks meanwhile finds an entry or none. Nothing
    /// new is written, so that room can be made on a full disk.
    fn discard(&self, place: &Path) -> Result<(), CacheError> {
        Work::discarded(self, place).map(drop)
    }

    fn full(&self) -> Option<CacheError> {
        const TOO_LITTLE: u64 = 32 << 20;
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        let free = stat.f_bavail * stat.f_frsize;
        (free < TOO_LITTLE).then(|| CacheError::Full { directory: self.root.clone(), free })
    }

    fn place(&self, kind: &str, digest: Digest) -> PathBuf {
        self.root.join(kind).join(digest.to_string())
    }

    fn maker(&self, kind: &str, digest: Digest) -> PathBuf {
        self.root.join("locks").join(format!("{kind}-{digest}"))
    }
}

/// Runs what waits on locks or disks away from the runtime's own threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CacheError> + Send + 'static,
) -> Result<T, CacheError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

#[cfg(test)]
mod tests;
