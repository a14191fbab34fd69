//! What people, CI systems and programs read of a run.

mod exit;
mod html;
mod json;
mod junit;
mod merge;
mod properties;
mod read_back;
mod sample;
mod secrets;
mod terminal;
