//! The files that tell of a run.

use std::path::PathBuf;

use report::html::{self, Page};
use report::json::Document;
use report::{self, DocumentMap, Run};

use super::failure::Failure;

/// Those that the user wants.
pub struct Reports {
    pub junit: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub json: Option<PathBuf>,
}

impl Reports {
    /// Fails before there is anything to write.
    pub fn check_writable(&self) -> Result<(), Failure> {
        let mut files = self.junit.iter().chain(&self.html).chain(&self.json);
        files.try_for_each(|file| report::check_writable(file)).map_err(Failure::usage)
    }

    /// `maps` is where files about the documents lie that the run's checks are from.
    pub fn write(&self, run: &Run, maps: impl IntoIterator<Item = PathBuf>) -> Result<(), Failure> {
        let written = |error| Failure::broken("write a report", error);
        if let Some(file) = &self.junit {
            report::junit::write_file(file, run).map_err(written)?;
        }
        if let Some(file) = &self.json {
            report::json::write_file(file, run).map_err(written)?;
        }
        if let Some(file) = &self.html {
            let documents = [Document::from(run)];
            let page = Page::of(&documents, None).with_documents(&mapped(&documents, maps)?);
            html::write_file(file, &page).map_err(written)?;
        }
        Ok(())
    }
}

/// What is known of the documents that these reports speak of.
pub fn mapped(
    documents: &[Document],
    maps: impl IntoIterator<Item = PathBuf>,
) -> Result<Vec<DocumentMap>, Failure> {
    let promises = documents.iter().flat_map(Document::promises).collect::<Vec<_>>();
    let maps = maps.into_iter().collect::<Vec<_>>();
    DocumentMap::all(&promises, &maps).map_err(Failure::usage)
}
