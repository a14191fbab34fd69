use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::ImageError;
use crate::cache::{Cache, Digest};

/// What the build of one image prints.
pub(super) struct Log {
    path: PathBuf,
    kept: PathBuf,
}

impl Log {
    pub fn new(work: &Path, cache: &Cache, digest: Digest) -> Self {
        let kept = cache.logs().join(format!("image-{}.log", &digest.to_hex()[..12]));
        Self { path: work.join("build.log"), kept }
    }

    /// Opened to write more to its end.
    pub fn open(&self) -> io::Result<File> {
        File::options().create(true).append(true).open(&self.path)
    }

    /// Keeps the log where the failed work's removal does not reach it.
    pub fn failed(&self, error: &io::Error) -> ImageError {
        const LAST: usize = 20;
        let text = fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let log = match fs::copy(&self.path, &self.kept) {
            Ok(_) => self.kept.clone(),
            Err(_) => self.path.clone(),
        };
        let lines: Vec<_> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST)..].join("\n");
        ImageError::Failed { reason: error.to_string(), log, last }
    }
}
