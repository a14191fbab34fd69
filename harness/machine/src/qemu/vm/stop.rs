//! A guest that stands still at an event.

use std::time::Duration;

use futures::FutureExt;
use record::MachineError;
use tokio::io::AsyncBufReadExt;

use super::Vm;
use crate::qemu::clock::Clock;
use crate::qemu::write_log;

/// Where a machine stands still.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// How many entries the log of writes had then: stopping flushes the disk, which the guest did not ask for.
    entries: u64,
}

/// What the resident answers when the event has not come in time.
const NEVER: &str = "never";

impl Vm {
    /// Gives an order that the resident answers at an event, and holds the guest there: what brought the event about
    /// has executed nothing since. Gives the guest's uptime, or nothing when the event has not come.
    pub(crate) async fn stop_by(
        &self,
        order: &str,
        limit: Duration,
    ) -> Result<Option<Duration>, MachineError> {
        if self.hardware.cpus != 1 {
            return Err(self.refused("stop at an event", "more than one processor would run on meanwhile"));
        }
        let answer = self.ask(order, limit).await?;
        if answer == NEVER {
            return Ok(None);
        }
        let uptime = self.now(async { Ok(answer) }).await?;
        let entries = self.flushed()?;
        self.life.during(self.monitor.pause()).await?;
        *self.stopped.lock().await = Some(Stop { entries });
        let late = self.resident.lock().await.fill_buf().now_or_never().is_some();
        if late {
            let reason = self.answer(order, Duration::ZERO).await.err();
            return Err(reason.unwrap_or_else(|| self.refused("stop at an event", "it went on")));
        }
        Ok(Some(uptime))
    }

    /// Whether it stands still at an event.
    pub(super) async fn stands_still(&self) -> bool {
        self.stopped.lock().await.is_some()
    }

    /// That it does not stand still, for what needs it to go on.
    pub(super) async fn goes_on(&self, action: &str) -> Result<(), MachineError> {
        if self.stands_still().await {
            return Err(self.refused(action, "it stands still until it is told to go on"));
        }
        Ok(())
    }

    /// Lets a machine go on that stands still.
    pub async fn go_on(&self) -> Result<(), MachineError> {
        if self.stopped.lock().await.take().is_none() {
            return Err(self.refused("go on", "it does not stand still"));
        }
        self.order("go").await?;
        self.resume_with_orders().await?;
        self.answer("go", super::time::ANSWER_LIMIT).await.map(drop)
    }

    /// How many entries of the log of writes survive a power cut at this moment.
    pub(crate) async fn surviving_writes(&self) -> Result<u64, MachineError> {
        match &*self.stopped.lock().await {
            Some(Stop { entries }) => Ok(*entries),
            None => self.flushed(),
        }
    }

    fn flushed(&self) -> Result<u64, MachineError> {
        let entries = self.write_log.as_ref().map_or(Ok(0), write_log::entries);
        entries.map_err(|error| self.refused("read what it has written", error))
    }

    /// Keeps in mind what time it is in the guest, for when it is powered on again.
    pub(crate) async fn keep_time(&self) {
        if self.clock == Clock::Lapse && !self.stands_still().await {
            // A guest that cannot tell any more has told before.
            let _ = tokio::time::timeout(KEEPING_LIMIT, self.uptime()).await;
        }
    }

    /// Has a machine that is powered on after this one be told this time since 1970.
    pub(crate) fn misleads_about_time(&self, time: Duration) -> Result<(), MachineError> {
        let set = self.wrong_time.set(time);
        set.map_err(|_| self.refused("set its hardware's clock", "that was done before"))
    }

    /// The time since 1970 that a machine is told that is powered on after this one. None for the host's.
    pub async fn time_at_its_end(&self) -> Option<Duration> {
        match (self.wrong_time.get(), self.clock) {
            (Some(time), _) => Some(*time),
            (None, Clock::Real) => None,
            (None, Clock::Lapse) => Some(*self.calendar.lock().await),
        }
    }
}

/// How long the guest may take to say what time it is before it ends.
const KEEPING_LIMIT: Duration = Duration::from_secs(2);
