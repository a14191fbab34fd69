use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Digest;
use super::error::{At, CacheError};
use super::lock::Lock;
use super::manifest::{self, Manifest};

/// A finished entry. It cannot be removed while this is alive.
#[derive(Debug)]
pub struct Entry {
    directory: PathBuf,
    digest: Digest,
    contents: Digest,
    _using: Lock,
}

impl Entry {
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Names what is in it. An entry that is made again has the same digest,
    /// but hardly ever the same bytes: what builds on the bytes goes by this.
    #[must_use]
    pub fn contents(&self) -> Digest {
        self.contents
    }
}

/// Inode, time of the last change in seconds and nanoseconds, length: a file
/// that still has these is not hashed again. The modification time would not
/// do: whatever changes a file can put it back.
type Stamp = (u64, i64, i64, u64);
type Stamps = BTreeMap<PathBuf, Stamp>;

/// The entry at `place` if there is one, in the inner error the first file that
/// is not as the manifest has it. `stamps` remembers what was verified.
pub(super) fn open(
    place: &Path,
    digest: Digest,
    stamps: &Path,
) -> Result<Result<Option<Entry>, (PathBuf, String)>, CacheError> {
    if !place.is_dir() {
        return Ok(Ok(None));
    }
    let Some(using) = Lock::try_shared_directory(place)? else { return Ok(Ok(None)) };
    if !place.is_dir() {
        return Ok(Ok(None));
    }
    let contents = match verify(place, stamps) {
        Ok(contents) => contents,
        Err(found) => return Ok(Err(found)),
    };
    Ok(Ok(Some(Entry { directory: place.to_owned(), digest, contents, _using: using })))
}

/// Tells the digest of the contents.
fn verify(place: &Path, stamps: &Path) -> Result<Digest, (PathBuf, String)> {
    let path = place.join(manifest::NAME);
    let bad = |path: &Path| {
        let path = path.to_owned();
        move |error: &dyn std::fmt::Display| (path, error.to_string())
    };
    let text = fs::read(&path).map_err(|error| bad(&path)(&error))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| bad(&path)(&error))?;

    // Nothing depends on the memory of a verification: unreadable is none.
    let known: Stamps =
        fs::read(stamps).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let mut seen = Stamps::new();
    for (name, sealed) in &manifest {
        let path = place.join(name);
        let file = File::open(&path).map_err(|error| bad(&path)(&error))?;
        let data = file.metadata().map_err(|error| bad(&path)(&error))?;
        if data.len() != sealed.length {
            let reason = format!("is {} bytes long, was {}", data.len(), sealed.length);
            return Err((path, reason));
        }
        let stamp = stamp(&data);
        if known.get(name) != Some(&stamp) {
            let found = manifest::sum(&file).map_err(|error| bad(&path)(&error))?;
            if found != *sealed {
                return Err((path, "its contents have changed".to_owned()));
            }
        }
        seen.insert(name.clone(), stamp);
    }
    if seen != known {
        let _ = remember(stamps, &seen);
    }
    Ok(blake3::hash(&text))
}

fn stamp(data: &Metadata) -> Stamp {
    (data.ino(), data.ctime(), data.ctime_nsec(), data.len())
}

/// Written aside and renamed: a reader sees the old ones or the new ones.
fn remember(path: &Path, stamps: &Stamps) -> Result<(), CacheError> {
    let aside = path.with_extension(format!("{}", std::process::id()));
    let text = serde_json::to_vec(stamps).map_err(std::io::Error::from).at(&aside)?;
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, path)).at(path);
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}
