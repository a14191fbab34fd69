//! What people, CI systems and programs read of a run.

mod exit;
mod sample;
