//! A TOML file that people write, read strictly.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("{}, line {line}: {reason}", .file.display())]
    Malformed { file: PathBuf, line: usize, reason: String },
}

/// Reads `file` into a type that denies unknown fields, so that the error names the accepted keys.
pub fn load<T: DeserializeOwned>(file: &Path) -> Result<T, ManifestError> {
    let text = text(file)?;
    toml::from_str(&text).map_err(|error| located(file, &text, &error))
}

pub fn text(file: &Path) -> Result<String, ManifestError> {
    std::fs::read_to_string(file).map_err(|source| ManifestError::Unreadable { file: file.into(), source })
}

/// An error in the text of a file, with its line.
pub fn located(file: &Path, text: &str, error: &toml::de::Error) -> ManifestError {
    let line = line_at(text, error.span().map_or(0, |span| span.start));
    ManifestError::Malformed { file: file.into(), line, reason: error.message().replace('\n', ", ") }
}

/// The number of the line that this byte is in.
pub fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}
