//! What a person, a CI system and the gate learn of a run. Everything here is made from events.
//!
//! [`Record`] keeps what was heard. The JUnit file, the JSON file and the exit status are pure functions
//! of the [`Run`] in it; the [`Terminal`] tells the same events as they come. [`Tee`] feeds them all.

mod decision;
mod durations;
mod evidence;
mod exit;
mod file;
pub mod gate;
pub mod html;
pub mod json;
pub mod junit;
mod map;
pub mod merge;
mod rate;
pub mod read;
mod run;
mod span;
mod tee;
pub mod terminal;

pub use decision::Decision;
pub use durations::{Durations, DurationsError};
pub use exit::status;
pub use file::{FileError, check_writable, write_atomically};
pub use map::DocumentMap;
pub use rate::Rate;
pub use run::{Preparation, Purpose, Record, Run};
pub use span::Span;
pub use tee::Tee;
pub use terminal::Terminal;
