//! Guest time on a machine whose idle clock jumps.

use std::time::Duration;

use record::MachineError;

use super::Vm;
use crate::qemu::clock::Clock;
use crate::wait;

/// How long the resident may take for what needs no guest time. It may still be booting.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// How many guest seconds pass at least in a real one, however busy guest and host are.
const LEAST_PACE: u32 = 5;

impl Vm {
    /// What this machine's clock does while it is idle.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// How long the guest has been up, by its own clock.
    pub async fn uptime(&self) -> Result<Duration, MachineError> {
        self.now(self.ask("now", ANSWER_LIMIT)).await
    }

    /// Lets this much guest time pass. On a time-lapse machine it passes only here and with executed instructions, and
    /// is held again then. Gives the guest's uptime.
    pub async fn lapse(&self, time: Duration) -> Result<Duration, MachineError> {
        if self.clock == Clock::Real {
            return wait(self, time).await;
        }
        let until = self.uptime().await? + time;
        self.lapse_until(until).await
    }

    /// Lets guest time pass until the guest has been up for so long. Gives the guest's uptime, which is not less.
    pub async fn lapse_until(&self, uptime: Duration) -> Result<Duration, MachineError> {
        let action = format!("let time pass until {} s after its start", uptime.as_secs_f64());
        let lapsing = async {
            if self.clock != Clock::Lapse {
                return Err(self.refused("let time pass", "it is no time-lapse machine"));
            }
            let limit = self.real_time(uptime);
            self.now(self.ask(&format!("lapse {}", uptime.as_nanos()), limit)).await
        };
        self.recorded(action, lapsing).await
    }

    /// How long so much guest time takes at most, with what needs none.
    pub(crate) fn real_time(&self, time: Duration) -> Duration {
        ANSWER_LIMIT
            + match self.clock {
                Clock::Real => time,
                Clock::Lapse => time / LEAST_PACE,
            }
    }

    /// The guest's uptime, of an answer with it and with the time since 1970.
    pub(super) async fn now(
        &self,
        answer: impl Future<Output = Result<String, MachineError>>,
    ) -> Result<Duration, MachineError> {
        let answer = answer.await?;
        let mut words = answer.split(' ').map(|word| word.parse().map(Duration::from_nanos));
        match (words.next(), words.next()) {
            (Some(Ok(uptime)), Some(Ok(time))) => {
                *self.calendar.lock().await = time;
                Ok(uptime)
            }
            _ => Err(self.refused("read its clock", answer)),
        }
    }
}
