//! Room for what is made: when the cache is larger than it may be, the entries
//! that nobody has used for longest go.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::SystemTime;

use super::error::CacheError;
use super::{Cache, Digest, work};

/// In GiB. What the targets here need takes about half of it.
const DEFAULT: u64 = 16;

/// The variable that says otherwise.
const VARIABLE: &str = "ASSAY_CACHE_SIZE";

/// How large the entries together may become, in bytes.
pub(super) fn limit() -> Result<u64, CacheError> {
    let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(DEFAULT << 30);
    };
    let value = value.to_string_lossy();
    let bytes = value.parse::<u32>().map(|gib| u64::from(gib) << 30);
    bytes.map_err(|_| CacheError::BadSize { variable: VARIABLE, value: value.into_owned() })
}

impl Cache {
    /// Removes what was not used for longest until the rest is within the
    /// limit. What some process makes or uses stays.
    pub(super) fn make_room(&self) -> Result<(), CacheError> {
        let mut entries = Vec::new();
        let kinds = work::names(self.root())?.into_iter().filter(|name| self.root().join(name).is_dir());
        for kind in kinds {
            for entry in self.list(&kind)? {
                entries.push((
                    self.last_used(&kind, entry.digest).unwrap_or(entry.made),
                    kind.clone(),
                    entry,
                ));
            }
        }
        entries.sort_by_key(|(used, ..)| *used);
        let mut size: u64 = entries.iter().map(|(.., entry)| entry.size).sum();
        for (_, kind, entry) in entries {
            if size <= self.limit {
                break;
            }
            match self.remove(&kind, entry.digest) {
                Ok(_) => size -= entry.size,
                Err(CacheError::InUse(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Notes that an entry was of use just now. Without the note it only goes sooner.
    pub(super) fn mark_used(&self, kind: &str, digest: Digest) {
        let stamps = File::open(self.stamps(kind, digest));
        let _ = stamps.and_then(|file| file.set_modified(SystemTime::now()));
    }

    fn last_used(&self, kind: &str, digest: Digest) -> Option<SystemTime> {
        fs::metadata(self.stamps(kind, digest)).and_then(|data| data.modified()).ok()
    }

    /// Where it is remembered what of an entry was verified; its time is that of the last use.
    pub(super) fn stamps(&self, kind: &str, digest: Digest) -> PathBuf {
        self.root().join("locks").join(format!("{kind}-{digest}.verified"))
    }
}
