//! What the protocol of two-phase rebuilds allows, as a small model that follows what is seen.

use std::time::Duration;

use super::sequence::System;
use crate::appliance::rollback::state::{Boots, State};

/// The protocol so far.
#[derive(Debug, Clone)]
pub struct Model {
    /// What has to boot.
    boot_default: Boots,
    /// The last order that was taken, and when.
    ordered: Option<(System, Duration)>,
    /// How long a rebuild may be pending.
    bound: Duration,
}

impl Model {
    pub fn new(state: &State, bound: Duration) -> Model {
        Model { boot_default: state.boot_default.clone(), ordered: None, bound }
    }

    /// An order has been taken or refused when this was the state.
    pub fn ordered(
        &mut self,
        before: &State,
        system: System,
        taken: bool,
        now: Duration,
    ) -> Result<(), String> {
        if !taken {
            return Ok(());
        }
        if before.marker.is_some() {
            return Err("an order was taken while another was pending".into());
        }
        self.ordered = Some((system, now));
        Ok(())
    }

    /// What is seen at some moment.
    pub fn sees(&mut self, state: &State, now: Duration) -> Result<(), String> {
        if let Boots::Nothing(reason) = &state.boot_default {
            return Err(format!("nothing boots by default: {reason}"));
        }
        if state.boot_default != self.boot_default {
            match self.ordered {
                Some((System::Healthy, _)) => self.boot_default = state.boot_default.clone(),
                Some((other, _)) => {
                    return Err(format!("{other:?} was persisted, which nobody can have verified"));
                }
                None => return Err("what nobody ordered boots by default".into()),
            }
        }
        match (&state.marker, self.ordered) {
            (Some(_), None) => Err("a rebuild is pending that nobody ordered".into()),
            (Some(_), Some((_, since))) if now > since + self.bound => {
                Err(format!("a rebuild is pending after {} s", (now - since).as_secs()))
            }
            (None, _) if !state.is_settled() => {
                Err("nothing is pending, and what runs is not what boots by default".into())
            }
            _ => Ok(()),
        }
    }

    /// What is seen as soon as the machine has booted.
    pub fn sees_booted(&mut self, state: &State, now: Duration) -> Result<(), String> {
        self.sees(state, now)?;
        if state.boot_default == Boots::System(state.current.clone()) {
            return Ok(());
        }
        Err("another system has booted than the default".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(735);

    fn state(current: &str, boot_default: &str, pending: bool) -> State {
        State {
            current: current.into(),
            boot_default: Boots::System(boot_default.into()),
            verified: false,
            marker: pending.then(String::new),
        }
    }

    fn after_order(of: System) -> Model {
        let before = state("a", "a", false);
        let mut model = Model::new(&before, BOUND);
        model.ordered(&before, of, true, Duration::ZERO).unwrap();
        model.sees(&state("b", "a", true), Duration::from_secs(5)).unwrap();
        model
    }

    #[test]
    fn what_is_healthy_may_be_persisted_and_nothing_else() {
        let persisted = state("b", "b", false);
        after_order(System::Healthy).sees(&persisted, BOUND).unwrap();
        after_order(System::Unhealthy).sees(&persisted, BOUND).unwrap_err();
    }

    #[test]
    fn everything_is_settled_within_the_bound() {
        let pending = state("b", "a", true);
        after_order(System::Healthy).sees(&pending, BOUND).unwrap();
        after_order(System::Healthy).sees(&pending, BOUND + Duration::from_secs(1)).unwrap_err();
        after_order(System::Healthy).sees(&state("b", "a", false), BOUND).unwrap_err();
        after_order(System::Healthy).sees(&state("a", "a", false), BOUND).unwrap();
    }

    #[test]
    fn something_always_boots() {
        let nothing = Boots::Nothing("the default entry 2.conf does not exist".into());
        let torn = State { boot_default: nothing, ..state("b", "a", true) };
        let error = after_order(System::Healthy).sees(&torn, BOUND).unwrap_err();
        assert_eq!(error, "nothing boots by default: the default entry 2.conf does not exist");
    }

    #[test]
    fn a_second_order_is_refused() {
        let pending = state("b", "a", true);
        let mut model = after_order(System::Unhealthy);
        model.ordered(&pending, System::Healthy, false, BOUND).unwrap();
        model.ordered(&pending, System::Healthy, true, BOUND).unwrap_err();
    }

    #[test]
    fn the_default_is_what_boots() {
        after_order(System::Healthy).sees_booted(&state("a", "a", true), BOUND).unwrap();
        after_order(System::Healthy).sees_booted(&state("b", "a", true), BOUND).unwrap_err();
    }
}
