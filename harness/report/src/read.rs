//! Reads JSON files of earlier runs. They may come from anywhere, so what is wrong with one is told by its name.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::json::{Document, FORMAT};

/// The largest file that is read, in bytes. Two thousand checks with all their evidence take a tenth of it.
const SIZE_LIMIT: u64 = 256 << 20;

/// The most files that are read of one directory.
const COUNT_LIMIT: usize = 2_000;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is larger than {} MiB, and so no report of assay", path.display(), SIZE_LIMIT >> 20)]
    TooLarge { path: PathBuf },
    #[error("{} is not a report as `assay run --json` writes it", path.display())]
    NoReport { path: PathBuf, source: serde_json::Error },
    #[error("{} has format {format}, and this assay reads format {FORMAT}: use the assay that wrote it", path.display())]
    OtherFormat { path: PathBuf, format: u64 },
    #[error("{} has more than {COUNT_LIMIT} reports: keep fewer in it", path.display())]
    TooMany { path: PathBuf },
}

/// Reads what [`super::json::write_file`] wrote.
pub fn document(path: &Path) -> Result<Document, ReadError> {
    #[derive(Deserialize)]
    struct Head {
        format: u64,
    }
    let bytes = bytes(path)?;
    let path = path.to_owned();
    // First the format alone: in a later one, the rest may look different.
    match serde_json::from_slice(&bytes) {
        Ok(Head { format }) if format != u64::from(FORMAT) => Err(ReadError::OtherFormat { path, format }),
        Ok(_) => serde_json::from_slice(&bytes).map_err(|source| ReadError::NoReport { path, source }),
        Err(source) => Err(ReadError::NoReport { path, source }),
    }
}

/// Every file of a directory whose name ends in `.json`, in the order of their names.
pub fn files_in(directory: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let failed = |source| ReadError::Io { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // What begins with a dot is hidden, or still being written.
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
        if files.len() > COUNT_LIMIT {
            return Err(ReadError::TooMany { path: directory.to_owned() });
        }
    }
    files.sort();
    Ok(files)
}

fn bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // A length that was asked for before may not be true any more, and a device has none.
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(ReadError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(content: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        fs::write(&path, content).unwrap();
        let error = document(&path).unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}").replace(&*path.to_string_lossy(), "run.json")
    }

    #[test]
    fn what_is_wrong_is_told_with_the_name_of_the_file() {
        let deep = "[".repeat(1000);
        let half = r#"{ "format": 1, "purpose": "run" }"#;
        let complaints = ["", "<testsuites/>", "{}", r#"{ "format": 2 }"#, half, &deep].map(complaint);
        insta::assert_snapshot!(complaints.join("\n"), @"
        run.json is not a report as `assay run --json` writes it: EOF while parsing a value at line 1 column 0
        run.json is not a report as `assay run --json` writes it: expected value at line 1 column 1
        run.json is not a report as `assay run --json` writes it: missing field `format` at line 1 column 2
        run.json has format 2, and this assay reads format 1: use the assay that wrote it
        run.json is not a report as `assay run --json` writes it: missing field `target` at line 1 column 33
        run.json is not a report as `assay run --json` writes it: invalid type: sequence, expected u64 at line 1 column 1
        ");
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let error = document(Path::new("/dev/zero")).unwrap_err();
        assert!(matches!(error, ReadError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn only_finished_reports_of_a_directory_are_found() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.json", "a.json", ".c.json.1.partial", ".d.json", "e.xml"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let found = files_in(directory.path()).unwrap();
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["a.json", "b.json"]);
        let error = files_in(&directory.path().join("missing")).unwrap_err();
        assert!(matches!(error, ReadError::Io { .. }), "{error}");
    }
}
