//! Provisioning: idempotent steps, in the order of what they need.

mod closure;
mod error;
mod flaw;
mod order;
mod plan;
mod step;
#[cfg(test)]
mod tests;

pub use closure::{Closure, ClosureError};
pub use error::{PlanError, ProvisionError};
pub use flaw::StepFlaw;
pub use order::sequence;
pub use plan::Plan;
pub use step::{Requirement, Step};
