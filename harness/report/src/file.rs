//! Writes a report so that nobody ever reads half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot write {}: the directory {} does not exist", path.display(), directory.display())]
    NoDirectory { path: PathBuf, directory: PathBuf },
    #[error("cannot write {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Fails when a report could not be written to `path`, before the run that it would be about.
pub fn check_writable(path: &Path) -> Result<(), FileError> {
    let temporary = Temporary::beside(path)?;
    drop(temporary);
    Ok(())
}

/// Replaces `path` with what `fill` writes, all at once. On any error the old file is still there and
/// nothing new is.
pub fn write_atomically(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let mut temporary = Temporary::beside(path)?;
    let failed = |source| FileError::Io { path: path.to_owned(), source };
    let mut writer = io::BufWriter::new(&mut temporary.file);
    fill(&mut writer).and_then(|()| writer.flush()).map_err(failed)?;
    drop(writer);
    // Some file systems tell of a full disk only now.
    temporary.file.sync_all().map_err(failed)?;
    fs::rename(&temporary.path, &temporary.destination).map_err(failed)
}

/// A file in the directory of the report, because a rename is atomic only within one file system. Gone
/// when dropped, unless it was renamed.
struct Temporary {
    file: File,
    path: PathBuf,
    /// Where a link to the report points, so that the link stays one.
    destination: PathBuf,
}

impl Temporary {
    fn beside(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Io { path: path.to_owned(), source };
        // Renaming over a device would take it away from everybody.
        if path.exists() && !path.is_file() {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        let destination = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = destination.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        let directory = match destination.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !directory.is_dir() {
            return Err(FileError::NoDirectory { path: path.to_owned(), directory: directory.to_owned() });
        }
        // Hidden from globs like `*.xml`, and apart from a second run that writes the same report.
        let hidden = format!(".{}.{}.partial", name.to_string_lossy(), std::process::id());
        let path = directory.join(hidden);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path).map_err(failed)?;
        Ok(Self { file, path, destination })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_old_report_is_replaced_and_nothing_else_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.xml");
        fs::write(&path, "old and longer").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old and longer");
        write_atomically(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(directory.path()), ["report.xml"]);
    }

    #[test]
    fn an_error_half_way_leaves_the_old_report() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.xml");
        fs::write(&path, "old").unwrap();
        let error = write_atomically(&path, |out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(
            matches!(error, Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull)
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(directory.path()), ["report.xml"]);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let error = check_writable(&missing.join("report.xml")).unwrap_err().to_string();
        assert!(error.ends_with(&format!("the directory {} does not exist", missing.display())), "{error}");
    }

    #[test]
    fn only_a_regular_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path(), Path::new("/dev/null")] {
            assert!(matches!(check_writable(path), Err(FileError::Io { .. })), "{}", path.display());
        }
    }

    #[test]
    fn a_link_to_a_report_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("report.xml"), directory.path().join("latest.xml"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("report.xml", &link).unwrap();
        write_atomically(&link, |out| out.write_all(b"new")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
