use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("no place for the cache: set ASSAY_CACHE to a directory, or HOME")]
    Nowhere,
    #[error("{variable}={value:?} is no size for the cache: say a whole number of GiB")]
    BadSize { variable: &'static str, value: String },
    #[error("{}: {source}; {}", path.display(), advice(source))]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "the disk of the cache {} is full ({} MiB free): free some space, or drop what is \
         no longer needed with `assay image remove`",
        directory.display(),
        free >> 20
    )]
    Full {
        directory: PathBuf,
        /// Bytes left for this user.
        free: u64,
    },
    #[error("{} is in use: try again when the run that uses it is over", .0.display())]
    InUse(PathBuf),
    #[error("{} was removed while it was being opened: run the command again", .0.display())]
    Vanished(PathBuf),
    #[error("{} changed right after it was written ({reason}): check the disk of the cache", file.display())]
    Unstable { file: PathBuf, reason: String },
}

/// What to do about it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or drop what is no longer needed with `assay image remove`"
        }
        _ => "if the cache is not yours to write, set ASSAY_CACHE to a directory of yours",
    }
}

/// Says which path an I/O error is about.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T, CacheError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T, CacheError> {
        self.map_err(|error| CacheError::Io { path: path.to_owned(), source: error.into() })
    }
}
