//! What a person, a CI system and the gate learn of a run. Everything here is made from events.
//!
//! [`Record`] keeps what was heard. The exit status and the files are pure functions
//! of the [`Run`] in it. [`Tee`] feeds several listeners.

mod decision;
mod exit;
mod file;
mod record;
mod tee;
pub mod text;

pub use decision::Decision;
pub use exit::status;
pub use file::{FileError, check_writable, write_atomically};
pub use record::{Purpose, Record, Run};
pub use tee::Tee;
