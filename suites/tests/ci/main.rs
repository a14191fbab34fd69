//! What continuous integration services run: that they understand the files, and that the commands in them exist.

mod command;
mod file;
mod schema;
mod script;
