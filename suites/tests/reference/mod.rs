//! A small machine of one processor that the tests of the harness itself take for granted.

use harness::lab::Lab;

/// The target `microvm` with nothing but its x86_64 guest, unless no machines are to be started.
pub async fn lab() -> Option<Lab> {
    crate::prepared::lab("microvm", "x86_64").await
}
