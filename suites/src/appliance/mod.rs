//! Target `appliance`: an x86_64 machine of generations, whose rebuilds are tested before they are persisted.

pub mod rollback;

use harness::Source;

/// A section of the document that describes the target.
fn document(section: &'static str) -> Source {
    Source::new("appliance-infrastructure.md", section)
}
