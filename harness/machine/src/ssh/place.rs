//! The directory of this host where a connection has its sockets.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

const PREFIX: &str = "assay-ssh-";

/// How often another process may take a directory for one that was left over, in the moment before it is locked.
const TRIES: usize = 16;

/// Only this user's, and removed with it. What a killed process has left there the next one removes.
pub struct Place {
    directory: TempDir,
    _lock: File,
}

impl Place {
    pub fn new() -> io::Result<Place> {
        // The path of a socket may not be long, so it is none of the cache's.
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let beside =
            runtime.filter(|path| path.is_absolute() && path.is_dir()).unwrap_or_else(std::env::temp_dir);
        Place::beside(&beside)
    }

    fn beside(beside: &Path) -> io::Result<Place> {
        remove_left_over(beside)?;
        for _ in 0..TRIES {
            let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(beside)?;
            let lock = File::open(directory.path());
            if let Some(lock) = lock.ok().filter(is_free)
                && directory.path().exists()
            {
                return Ok(Place { directory, _lock: lock });
            }
        }
        Err(io::Error::other(format!("what is made in {} vanishes", beside.display())))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Removes the places whose processes are gone, whose locks the kernel has taken away with them.
fn remove_left_over(beside: &Path) -> io::Result<()> {
    let ours = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(beside)?.flatten() {
        let a_place = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_ours = || entry.metadata().is_ok_and(|about| about.is_dir() && about.uid() == ours);
        if !a_place || !is_ours() {
            continue;
        }
        if let Some(_lock) = File::open(entry.path()).ok().filter(is_free) {
            // Another process may remove it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Whether nobody had it locked, which this does.
fn is_free(directory: &File) -> bool {
    flock(directory, FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_any_more_is_removed_by_the_next() {
        let beside = tempfile::tempdir().unwrap();
        let held = Place::beside(beside.path()).unwrap();
        fs::write(held.path("master"), "").unwrap();
        let left = beside.path().join("assay-ssh-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("master"), "").unwrap();
        let another = Place::beside(beside.path()).unwrap();
        assert!(!left.exists() && held.path("master").exists());
        drop((held, another));
        assert_eq!(fs::read_dir(beside.path()).unwrap().count(), 0);
    }
}
