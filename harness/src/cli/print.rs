//! Writes what a command was asked for to standard output.

use std::io::{self, Write};

use super::failure::Failure;
use crate::secret;

/// Prints all of it, without secrets. A reader that has seen enough and went away, such as `head`, is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    match stdout.write_all(secret::hide(text).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::broken("write to standard output", error))
        }
        _ => Ok(()),
    }
}
