//! What is said of a run: what was promised, what was done, what was seen, and what follows from it.

mod accelerator;
mod architecture;
mod causes;
pub mod event;
mod evidence;
mod invariant;
mod laid;
mod lifetime;
mod machine_error;
mod machine_kind;
mod moment;
mod need;
pub mod secret;
pub mod shard;
pub mod tail;
pub mod text;
mod verdict;

pub use accelerator::Accelerator;
pub use architecture::Architecture;
pub use causes::with_causes;
pub use evidence::{Answer, Evidence, Exchange, Output, Status, Transcript};
pub use invariant::{Invariant, Level, Source, Text};
pub use laid::{Effect, Laid, LaidFile};
pub use lifetime::{Lifetime, Phase, Start};
pub use machine_error::MachineError;
pub use machine_kind::MachineKind;
pub use moment::Moment;
pub use need::Need;
pub use shard::{Cut, Shard};
pub use verdict::{Outcome, Stop, Verdict, Violation, expect, violated};
