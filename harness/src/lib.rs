//! Boots, forks and breaks whole machines.

pub mod cache;
pub mod image;
