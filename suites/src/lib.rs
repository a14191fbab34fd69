//! The documented invariants, and a check for each.

pub mod appliance;
pub mod microvm;
pub mod omarchy;

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
