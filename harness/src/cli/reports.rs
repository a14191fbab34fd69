//! The files that tell of a run.

use std::path::PathBuf;

use report::{self, Run};

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

    pub fn write(&self, run: &Run) -> Result<(), Failure> {
        let written = |error| Failure::broken("write a report", error);
        if let Some(file) = &self.junit {
            report::junit::write_file(file, run).map_err(written)?;
        }
        if let Some(file) = &self.json {
            report::json::write_file(file, run).map_err(written)?;
        }
        if let Some(file) = &self.html {
            report::html::write_file(file, &report::html::Page::from(run)).map_err(written)?;
        }
        Ok(())
    }
}
