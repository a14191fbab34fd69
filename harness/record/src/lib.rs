//! What is said of a run: what was promised, what was done, what was seen, and what follows from it.

mod causes;
pub mod event;
mod evidence;
mod exchange;
mod invariant;
mod laid;
mod lifetime;
mod machine;
mod machine_error;
mod moment;
mod need;
pub mod secret;
pub mod shard;
pub mod tail;
pub mod text;
mod transcript;
mod verdict;

pub use causes::with_causes;
pub use evidence::Evidence;
pub use exchange::{Answer, Exchange, Output, Status};
pub use invariant::{Invariant, Level, Source, Text};
pub use laid::{Effect, Laid, LaidFile};
pub use lifetime::{Lifetime, Phase, Start};
pub use machine::{Accelerator, Architecture, MachineKind};
pub use machine_error::MachineError;
pub use moment::Moment;
pub use need::Need;
pub use shard::{Cut, Shard};
pub use transcript::Transcript;
pub use verdict::{Outcome, Stop, Verdict, Violation, expect, violated};
