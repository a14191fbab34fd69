//! Target `omarchy`: an aarch64 machine that runs x86_64 programs through an interpreter on a share.

pub mod binfmt;
pub mod identity;
pub mod smartcard;

use harness::Source;
use harness::machine::quoted;

/// A section of the document that describes the target.
const fn document(section: &'static str) -> Source {
    Source { document: "omarchy-architecture.md", section }
}

/// Whose desktop it is: an ordinary user.
const USER: &str = "user";

/// The same shell command, run as the user instead of root, without a seat or a session.
fn as_user(command: &str) -> String {
    format!("runuser -u {USER} -- sh -c {}", quoted(command))
}
