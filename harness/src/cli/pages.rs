//! `assay completions` and `assay man`, which are made from the command line's own description.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::Arguments;
use super::failure::Failure;
use super::print::print;

/// Prints what a shell completes options by.
pub fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "assay", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// Writes a page for man(1) of the program and of each of its commands.
pub fn man(directory: &Path) -> Result<u8, Failure> {
    let failed = |error| Failure::broken(&format!("write manual pages into {}", directory.display()), error);
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), directory).map_err(failed)?;
    Ok(0)
}
