//! What can be wrong with a step, to prove that it would be noticed.

use record::Text;

use super::{Plan, Step};

/// One realistic fault of a step.
#[derive(Debug, Clone)]
pub enum StepFlaw {
    /// At its end it runs one command more.
    Runs(Text),
    /// It does not say that it needs this step.
    Forgets(Text),
}

impl Plan {
    /// The plan with a fault in one step. `None` if there is no such step, or nothing to go wrong there.
    pub fn with(&self, id: &str, flaw: &StepFlaw) -> Option<Plan> {
        let mut plan = self.clone();
        let step = plan.steps.iter_mut().find(|step| step.id == id)?;
        flaw.change(step).then_some(plan)
    }
}

impl StepFlaw {
    fn change(&self, step: &mut Step) -> bool {
        match self {
            StepFlaw::Runs(command) => step.apply.push(command.to_string()),
            StepFlaw::Forgets(need) => match step.needs.iter().position(|known| known == need) {
                Some(at) => drop(step.needs.remove(at)),
                None => return false,
            },
        }
        true
    }
}
