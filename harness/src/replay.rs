//! A random value that was written down, to be tried again.

use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use record::Stop;

/// The longest file that is read, in bytes.
const LIMIT: u64 = 64 << 10;

/// The content of such a file.
#[derive(Debug, Clone)]
pub struct Replay {
    file: PathBuf,
    text: String,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot replay {}: {reason}", .file.display())]
pub struct ReplayError {
    file: PathBuf,
    reason: String,
}

impl Replay {
    /// Reads a file of at most 64 KiB.
    pub fn load(file: &Path) -> Result<Replay, ReplayError> {
        let failed = |reason: String| ReplayError { file: file.to_owned(), reason };
        let mut text = String::new();
        let opened = std::fs::File::open(file).map_err(|error| failed(error.to_string()))?;
        let read = opened.take(LIMIT + 1).read_to_string(&mut text);
        read.map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > LIMIT {
            return Err(failed(format!("it is longer than {LIMIT} bytes")));
        }
        Ok(Replay { file: file.to_owned(), text })
    }

    /// The value that was written down.
    pub(crate) fn value<V: FromStr<Err: Display>>(&self) -> Result<V, Stop> {
        self.text.parse().map_err(|reason| Stop::Broken(format!("{}: {reason}", self.file.display())))
    }
}

/// Writes a value down in a directory, under a name that tells where it comes from.
pub(crate) fn keep(directory: &Path, name: &str, value: &impl Display) -> std::io::Result<PathBuf> {
    let file = directory.join(format!("{name}.replay"));
    std::fs::write(&file, value.to_string())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = keep(directory.path(), "family.row-1", &42).unwrap();
        assert_eq!(file.file_name().unwrap(), "family.row-1.replay");
        assert_eq!(Replay::load(&file).unwrap().value::<u32>().unwrap(), 42);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.replay");
        let load = || Replay::load(&file).map_err(|error| error.to_string());
        assert!(load().unwrap_err().ends_with("a.replay: No such file or directory (os error 2)"));
        std::fs::write(&file, vec![b'x'; (LIMIT + 1) as usize]).unwrap();
        assert!(load().unwrap_err().ends_with("it is longer than 65536 bytes"));
        std::fs::write(&file, "many").unwrap();
        let Err(Stop::Broken(reason)) = load().unwrap().value::<u32>() else { panic!("it is no number") };
        assert!(reason.ends_with("a.replay: invalid digit found in string"), "{reason}");
    }
}
