//! `assay report`.

use report::html::{self, History, Page};
use report::{check_writable, read};

use super::agenda::maps;
use super::arguments::Report;
use super::failure::Failure;
use super::reports::mapped;

/// Makes one page of any number of runs and proofs.
pub fn report(options: &Report) -> Result<u8, Failure> {
    check_writable(&options.html).map_err(Failure::usage)?;
    let documents = options.files.iter().map(|file| read::document(file));
    let documents = documents.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    let history = match &options.history {
        None => None,
        Some(directory) => {
            let mut history = History::default();
            documents.iter().for_each(|document| history.add(document));
            // One at a time: only what is drawn of each stays in memory.
            for file in read::files_in(directory).map_err(Failure::usage)? {
                history.add(&read::document(&file).map_err(Failure::usage)?);
            }
            Some(history.finish())
        }
    };
    let page = Page::of(&documents, history).with_documents(&mapped(&documents, maps())?);
    html::write_file(&options.html, &page).map_err(|error| Failure::broken("write the page", error))?;
    Ok(0)
}
