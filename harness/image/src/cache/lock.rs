use std::fs::{File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::{At, CacheError};

/// An advisory lock that the kernel lifts when its holder dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for as long as it takes.
    pub fn exclusive(path: &Path) -> Result<Self, CacheError> {
        Self::wait(lock_file(path)?, path, FlockOperation::LockExclusive)
    }

    pub fn shared(path: &Path) -> Result<Self, CacheError> {
        Self::wait(lock_file(path)?, path, FlockOperation::LockShared)
    }

    /// `None` when somebody else holds it.
    pub fn try_exclusive(path: &Path) -> Result<Option<Self>, CacheError> {
        Self::attempt(lock_file(path)?, path, FlockOperation::NonBlockingLockExclusive)
    }

    /// The directory itself is what is locked: nothing has to be kept beside it.
    pub fn try_exclusive_directory(path: &Path) -> Result<Option<Self>, CacheError> {
        let directory = File::open(path).at(path)?;
        Self::attempt(directory, path, FlockOperation::NonBlockingLockExclusive)
    }

    /// `None` when the directory is being removed.
    pub fn try_shared_directory(path: &Path) -> Result<Option<Self>, CacheError> {
        let directory = File::open(path).at(path)?;
        Self::attempt(directory, path, FlockOperation::NonBlockingLockShared)
    }

    fn wait(file: File, path: &Path, how: FlockOperation) -> Result<Self, CacheError> {
        rustix::io::retry_on_intr(|| flock(&file, how)).at(path)?;
        Ok(Self { _file: file })
    }

    fn attempt(file: File, path: &Path, how: FlockOperation) -> Result<Option<Self>, CacheError> {
        match flock(&file, how) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).at(path),
        }
    }
}

fn lock_file(path: &Path) -> Result<File, CacheError> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path).at(path)
}
