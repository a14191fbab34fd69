//! What an entry consists of: `manifest.json`, written last.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use rustix::fs::SeekFrom;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::error::{At, CacheError};
use super::work::names;

pub(super) const NAME: &str = "manifest.json";

pub(super) type Manifest = BTreeMap<PathBuf, Sealed>;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    /// Bytes, holes included.
    pub length: u64,
    pub blake3: String,
}

/// Writes the manifest of everything below `directory`, all of it synced.
pub(super) fn seal(directory: &Path) -> Result<(), CacheError> {
    let mut manifest = Manifest::new();
    for relative in files(directory, Path::new(""))? {
        let path = directory.join(&relative);
        let file = File::open(&path).at(&path)?;
        file.sync_all().at(&path)?;
        manifest.insert(relative, sum(&file).at(&path)?);
    }
    let path = directory.join(NAME);
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from).at(&path)?;
    fs::write(&path, text).at(&path)?;
    File::open(&path).and_then(|file| file.sync_all()).at(&path)?;
    File::open(directory).and_then(|file| file.sync_all()).at(directory)
}

fn files(directory: &Path, below: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let mut found = Vec::new();
    for name in names(&directory.join(below))? {
        let relative = below.join(name);
        if directory.join(&relative).is_dir() {
            found.extend(files(directory, &relative)?);
        } else {
            found.push(relative);
        }
    }
    Ok(found)
}

/// Length and digest of a file. The digest is that of the blocks that are not
/// all zeros, each after its offset: holes cost nothing, and a copy that filled
/// them in is still the same file.
pub(super) fn sum(mut file: &File) -> io::Result<Sealed> {
    const BLOCK: u64 = 256 << 10;
    let length = file.metadata()?.len();
    let mut hasher = blake3::Hasher::new();
    let mut block = Vec::with_capacity(BLOCK as usize);
    let mut offset = 0;
    while offset < length {
        offset = match rustix::fs::seek(file, SeekFrom::Data(offset)) {
            Ok(data) => data - data % BLOCK,
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        file.seek(io::SeekFrom::Start(offset))?;
        block.clear();
        file.take(BLOCK).read_to_end(&mut block)?;
        if block.iter().any(|&byte| byte != 0) {
            hasher.update(&offset.to_le_bytes());
            hasher.update(&block);
        }
        offset += BLOCK;
    }
    Ok(Sealed { length, blake3: hasher.finalize().to_string() })
}
