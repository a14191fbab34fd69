//! Random sequences of events, against a model of the protocol.

mod model;
mod sequence;

use std::time::Duration;

use harness::fault::{self, Unflushed};
use harness::{Check, MachineError, Need, Outcome, Trial, expect, violated};

use super::appliance::{Appliance, MOMENT};
use super::order::second_order_overwrites;
use super::persisting::stale_flag_accepted;
use super::settings::rollback;
use super::state::State;
use super::timeout::no_rollback;
use crate::appliance::document;
use model::Model;
use sequence::{Event, Sequence, System, sequences};

pub fn any_interleaving() -> Check {
    Check::must(
        "rollback.any-interleaving",
        document("Update System"),
        "For random sequences of order, verify, crash, restart, timer, reboot: persisted only if verified, \
         always settled within the bound, always bootable.",
        any_interleaving_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Power, Need::Lapse])
    .with(stale_flag_accepted())
    .with(no_rollback())
    .with(second_order_overwrites())
}

/// Tried before the random ones: each has caught somebody.
const KNOWN: [&[Event]; 3] = [
    &[Event::StaleFlag, Event::Order(System::Unhealthy), Event::Pass(125)],
    &[Event::Order(System::Unhealthy), Event::Pass(3), Event::Order(System::Healthy)],
    &[Event::Order(System::Healthy), Event::KillAgent, Event::Pass(125), Event::PowerCut],
];

async fn any_interleaving_holds(trial: &Trial) -> Outcome {
    let cases = rollback(trial)?.sequences;
    if !trial.is_replay() {
        for known in KNOWN {
            holds(trial, Sequence(known.to_vec())).await?;
        }
    }
    trial
        .for_all_kept("rollback.any-interleaving", cases, sequences(), |sequence| holds(trial, sequence))
        .await
}

/// An appliance in the middle of a sequence.
struct Course<'t> {
    trial: &'t Trial,
    appliance: Appliance,
    model: Model,
    state: State,
    /// How long all machines before this one were up.
    before: Duration,
}

async fn holds(trial: &Trial, sequence: Sequence) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let state = appliance.state().await?;
    let model = Model::new(&state, appliance.limit() + appliance.period());
    let mut course = Course { trial, appliance, model, state, before: Duration::ZERO };
    for event in sequence.0 {
        course.goes(event).await?;
        course.look().await?;
    }
    if !course.state.is_settled() {
        course.appliance.lapse_past_limit().await?;
        course.look().await?;
    }
    let settled = course.state.is_settled();
    expect(settled, "settled within the bound", &course.state)?;
    course.appliance.is_done_with().await;
    Ok(())
}

impl Course<'_> {
    async fn goes(&mut self, event: Event) -> Outcome {
        let appliance = &self.appliance;
        match event {
            Event::Order(system) => {
                let taken = appliance.order(system.flake(&appliance.rollback.flake)).await?.success();
                let now = self.now().await?;
                let (model, before) = (&mut self.model, &self.state);
                return allowed(model.ordered(before, system, taken, now), before);
            }
            Event::Pass(seconds) => appliance.lapse(Duration::from_secs(seconds)).await?,
            Event::Watch => drop(appliance.watch().await?),
            Event::StaleFlag if self.state.marker.is_none() => appliance.flag().await?,
            // Beside a marker it would be taken for what the agent has just said.
            Event::StaleFlag => {}
            // It may stop for a new system at that very moment: what does not run cannot be killed.
            Event::KillAgent => {
                fault::kill(&*appliance.machine, &appliance.rollback.agent).await?;
            }
            Event::KillWatchdog(after) => appliance.kill_watchdog(Duration::from_millis(after)).await?,
            // That it does not start is what becomes of some systems.
            Event::RestartAgent => match fault::restart(&*appliance.machine, &appliance.rollback.agent).await
            {
                Ok(()) | Err(MachineError::Failed { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            Event::Reboot | Event::PowerCut => {
                self.before = self.now().await?;
                self.appliance = if event == Event::Reboot {
                    self.appliance.reboots(self.trial).await?
                } else {
                    self.appliance.machine.cut_power(Unflushed::Lost).await?;
                    self.appliance.boots_again(self.trial).await?
                };
                self.state = self.appliance.state().await?;
                let now = self.now().await?;
                return allowed(self.model.sees_booted(&self.state, now), &self.state);
            }
        }
        Ok(())
    }

    /// Compares what is seen with the model. What a program is in the middle of is given a moment to end.
    async fn look(&mut self) -> Outcome {
        self.state = self.appliance.state().await?;
        let now = self.now().await?;
        let mut tried = self.model.clone();
        if tried.sees(&self.state, now).is_err() {
            self.appliance.lapse(MOMENT).await?;
            self.state = self.appliance.state().await?;
            tried = self.model.clone();
            allowed(tried.sees(&self.state, now), &self.state)?;
        }
        self.model = tried;
        Ok(())
    }

    /// How long this and the machines before it have been up.
    async fn now(&self) -> Result<Duration, MachineError> {
        Ok(self.before + self.appliance.uptime().await?)
    }
}

fn allowed(verdict: Result<(), String>, state: &State) -> Outcome {
    verdict.or_else(|observed| violated("what the protocol allows", format!("{observed}: {state}")))
}
