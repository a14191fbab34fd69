//! A wall clock that is moved.

use std::time::Duration;

use record::MachineError;

use crate::qemu::Vm;

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

    /// Has the hardware's clock be wrong: a machine that is powered on after this one is told that it is this time since
    /// 1970. Zero is what a clock says whose battery is empty.
    pub async fn set_hardware_clock(&self, time: Duration) -> Result<(), MachineError> {
        let setting = async { self.misleads_about_time(time) };
        self.recorded(format!("set the hardware's clock to {} s since 1970", time.as_secs()), setting).await
    }
}
