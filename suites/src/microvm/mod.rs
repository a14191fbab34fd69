//! Target `microvm`: secrets of a host, delivered to the services of its guests through SMBIOS.

pub mod credentials;

use harness::Source;

/// A section of the document on loading credentials.
fn loading(section: &'static str) -> Source {
    Source::new("microvm-credential-loading.md", section)
}

/// A section of the document on the flow of secrets.
fn flow(section: &'static str) -> Source {
    Source::new("microvm-secret-flow.md", section)
}
