//! Provisioning: idempotent steps, in the order of what they need.

mod error;
mod order;
mod plan;
mod step;
#[cfg(test)]
mod tests;

pub use error::{PlanError, ProvisionError};
pub use plan::Plan;
pub use step::{Requirement, Step};
