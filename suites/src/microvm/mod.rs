//! Target `microvm`: secrets of a host, delivered to the services of its guests through SMBIOS.

pub mod credentials;

use harness::Source;

/// A section of the document on loading credentials.
const fn loading(section: &'static str) -> Source {
    Source { document: "microvm-credential-loading.md", section }
}

/// A section of the document on the flow of secrets.
const fn flow(section: &'static str) -> Source {
    Source { document: "microvm-secret-flow.md", section }
}
