//! The steps that make the machine what it is, as steps.

mod idempotent;
mod order;
mod parallel;

use harness::machine::Difference;
use harness::provision::ProvisionError;
use harness::{Check, Outcome, Stop, Suite, expect};

use super::settings::Omarchy;

pub const SUITE: Suite = Suite::new("omarchy", "provision", |_| Ok(checks())).with_table::<Omarchy>();

fn checks() -> Vec<Check> {
    vec![idempotent::idempotent(), order::order(), parallel::parallel()]
}

/// Where a machine writes without being told to.
const ITS_OWN: &[&str] = &["/var/log", "/var/lib/systemd", "/nix/var/nix/db"];

/// What came of a step. A machine that was lost decides nothing about it.
fn decided<T>(result: Result<T, ProvisionError>) -> Result<Result<T, ProvisionError>, Stop> {
    match result {
        Err(ProvisionError::Machine { source, .. }) => Err(source.into()),
        decided => Ok(decided),
    }
}

/// How many differences are told: where there are more, most have one cause.
const TOLD: usize = 20;

fn no_differences(differences: &[Difference], expected: &str) -> Outcome {
    let mut observed: Vec<String> = differences.iter().take(TOLD).map(Difference::to_string).collect();
    if differences.len() > TOLD {
        observed.push(format!("and {} more", differences.len() - TOLD));
    }
    expect(differences.is_empty(), expected, observed.join("\n"))
}
