//! Why the program could not do what it was asked to.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use image::cache::CacheError;
use record::text::visible;
use record::{secret, with_causes};

/// A message for the user, and the exit status that goes with it.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    /// Wrong usage or a bad file.
    pub fn usage(error: impl Into<Box<dyn Error>>) -> Failure {
        Failure { status: 2, message: with_causes(&*error.into()) }
    }

    /// Something could not be done, so nothing could be decided.
    pub fn broken(action: &str, error: impl Into<Box<dyn Error>>) -> Failure {
        Failure { status: 3, message: format!("cannot {action}: {}", with_causes(&*error.into())) }
    }

    /// Tells the user, and gives the exit status.
    pub fn tell(&self) -> ExitCode {
        // With nobody to tell, there is still the status.
        let _ = writeln!(io::stderr(), "assay: {}", self.told());
        ExitCode::from(self.status)
    }

    fn told(&self) -> String {
        visible(&*secret::hide(&self.message)).to_string()
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Failure {
        match error {
            CacheError::Nowhere | CacheError::BadSize { .. } => Failure::usage(error),
            _ => Failure::broken("use the cache", error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_without_secrets() {
        secret::declare("failure", b"in-an-error-message").unwrap();
        let failure = Failure::broken("start", "QEMU refuses in-an-error-message\n");
        assert_eq!(failure.told(), format!("cannot start: QEMU refuses {}\n", secret::HIDDEN));
    }
}
