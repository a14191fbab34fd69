//! TOML files that people write, read strictly.

mod nearest;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use nearest::did_you_mean;

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("{}, line {line}: {reason}", .file.display())]
    Malformed { file: PathBuf, line: usize, reason: String },
}

/// Reads `file` into a type that denies unknown fields, so that the error names the accepted keys.
pub fn load<T: DeserializeOwned>(file: &Path) -> Result<T, ManifestError> {
    Document::read(file)?.parse()
}

/// The text of a file, which knows where it is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    file: PathBuf,
    text: Arc<str>,
}

impl Document {
    pub fn read(file: &Path) -> Result<Document, ManifestError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Ok(Document::new(file, &text)),
            Err(source) => Err(ManifestError::Unreadable { file: file.into(), source }),
        }
    }

    pub fn new(file: &Path, text: &str) -> Document {
        Document { file: file.to_owned(), text: text.into() }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The directory that paths in it begin from.
    pub fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ManifestError> {
        toml::from_str(&self.text).map_err(|error| self.malformed(&error))
    }

    /// What a reader says of it, with the line and the word that may be meant.
    pub fn malformed(&self, error: &toml::de::Error) -> ManifestError {
        let reason = nearest::suggest(error.message().replace('\n', ", "));
        self.wrong(error.span().map_or(0, |span| span.start), reason)
    }

    /// That there is something wrong at this byte of it.
    pub fn wrong(&self, at: usize, reason: impl Into<String>) -> ManifestError {
        ManifestError::Malformed { file: self.file.clone(), line: self.line_at(at), reason: reason.into() }
    }

    /// The number of the line that this byte is in.
    pub fn line_at(&self, byte: usize) -> usize {
        1 + self.text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
    }
}
