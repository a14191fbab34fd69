//! Target `omarchy`: an aarch64 machine that runs x86_64 programs through an interpreter on a share.

pub mod binfmt;
pub mod openssl;

use harness::Source;

/// A section of the document that describes the target.
const fn document(section: &'static str) -> Source {
    Source { document: "omarchy-architecture.md", section }
}
