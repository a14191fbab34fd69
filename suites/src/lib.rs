//! The documented invariants, and a check for each.

// Newer compilers count how deep the futures of machines lie in each other.
#![recursion_limit = "256"]

pub mod appliance;
pub mod microvm;
pub mod omarchy;
mod plain;

use harness::Suite;

/// Every suite there is. What is not listed here does not run.
pub const CATALOGUE: &[Suite] = &[
    omarchy::binfmt::SUITE,
    omarchy::smartcard::SUITE,
    omarchy::identity::SUITE,
    omarchy::openssl::SUITE,
    omarchy::session::SUITE,
    omarchy::provision::SUITE,
    microvm::credentials::SUITE,
    appliance::rollback::SUITE,
];

/// The settings of a suite that has these lines in its table of `t.toml`.
#[cfg(test)]
fn settings_with<T: harness::Table>(lines: &str) -> Result<T, String> {
    settings(&format!("[{}]\n{lines}\n", T::NAME)).read().map_err(|error| error.to_string())
}

/// The settings in this text of `t.toml`.
#[cfg(test)]
fn settings(text: &str) -> harness::Settings {
    let document = harness::manifest::Document::new("t.toml".as_ref(), text);
    harness::Settings::of(document, "fixtures".into())
}
