use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use host::Lack;

use crate::cache::CacheError;

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("an image cannot be built on this host yet:{}", list(.0))]
    Missing(Vec<Lack>),
    #[error("{} goes into the image but cannot be read: {source}", path.display())]
    Source { path: PathBuf, source: io::Error },
    #[error("building the image failed ({reason}); the whole log is {}\n{last}", log.display())]
    Failed {
        reason: String,
        /// Kept in the cache's `logs` directory.
        log: PathBuf,
        /// The log's last lines.
        last: String,
    },
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl ImageError {
    pub(super) fn source(path: &Path, source: io::Error) -> Self {
        Self::Source { path: path.to_owned(), source }
    }
}

fn list(missing: &[Lack]) -> String {
    missing.iter().fold(String::new(), |mut text, missing| {
        let Lack { what, why, fix } = missing;
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {what} is missing: {why}; run `{fix}`");
        text
    })
}
