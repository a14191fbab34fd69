//! Which inputs of a Nix flake a change changed, from two `flake.lock` files.
//!
//! The format is version 7 of the Nix manual, "nix flake", "Lock files": nodes by name, of which the root and each
//! input name their own inputs; an input is the name of a node, or the path of another input, counted from the
//! root, which it follows.

mod change;
mod difference;
mod inputs;
mod lock;
mod pin;
#[cfg(test)]
mod tests;

pub use change::{InputChange, changes};
pub use difference::Difference;
pub use inputs::{DEPTH_LIMIT, INPUT_LIMIT, NAME_LIMIT};
pub use lock::{Flaw, Lock, LockError, SIZE_LIMIT};
pub use pin::Pin;
