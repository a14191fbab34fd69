//! A wall clock that is moved.

use std::time::Duration;

use crate::MachineError;
use crate::machine::qemu::Vm;

/// How far a wall clock is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Forward(Duration),
    Back(Duration),
}

/// How long the resident may take.
const LIMIT: Duration = Duration::from_secs(60);

impl Vm {
    /// Moves the guest's wall clock, as `settimeofday` does. What counts uptime does not notice. A machine that is
    /// powered on after this one has the right time again, as from a clock of its own.
    pub async fn step_clock(&self, step: Step) -> Result<(), MachineError> {
        let (sign, by, way) = match step {
            Step::Forward(by) => ("", by, "forward"),
            Step::Back(by) => ("-", by, "back"),
        };
        let order = format!("step {sign}{}", by.as_nanos());
        let stepping = async { self.ask(&order, LIMIT).await.map(drop) };
        self.recorded(format!("step the wall clock {way} by {} s", by.as_secs_f64()), stepping).await
    }
}
