//! What people, CI systems and programs read of a run.

mod exit;
mod json;
mod junit;
mod properties;
mod sample;
mod secrets;
mod terminal;
