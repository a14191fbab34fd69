//! The functions that decide invariants, and the changes that prove they can.

use futures::future::BoxFuture;

use crate::provision::StepFlaw;
use crate::smartcard::Flaw;
use crate::{Invariant, Need, Outcome, Trial};

/// Decides one invariant.
#[derive(Clone, Copy)]
pub struct Check {
    pub invariant: Invariant,
    pub needs: &'static [Need],
    pub run: CheckFn,
    pub mutants: &'static [Mutant],
}

impl Check {
    /// This check on one variant of the target, which is a stage's name where it decides about a machine of
    /// that stage.
    pub const fn on(self, variant: &'static str) -> Check {
        Check { invariant: Invariant { variant: Some(variant), ..self.invariant }, ..self }
    }
}

pub type CheckFn = for<'t> fn(&'t Trial) -> BoxFuture<'t, Outcome>;

/// A small, realistic change to a provisioned target that breaks exactly one invariant.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    pub name: &'static str,
    /// The stage that is changed; the one that the check decides about when none is named.
    pub stage: Option<&'static str>,
    /// Whether a machine has to boot for it to take effect. Booting takes longer than all the rest.
    pub boots: bool,
    pub edits: &'static [Edit],
}

/// One change to a target.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    Write {
        path: &'static str,
        content: &'static str,
    },
    Remove {
        path: &'static str,
    },
    /// Replaces a text that must occur exactly once in the file.
    Replace {
        path: &'static str,
        from: &'static str,
        to: &'static str,
    },
    /// A shell command that must succeed.
    Run {
        command: &'static str,
    },
    /// Something is wrong with the target's tokens. The disk stays as it is.
    Token(Flaw),
    /// Something is wrong with a provisioning step. The disk stays as it is.
    Step {
        id: &'static str,
        flaw: StepFlaw,
    },
}

/// The checks of one family on one target.
#[derive(Clone, Copy)]
pub struct Suite {
    pub target: &'static str,
    pub name: &'static str,
    pub checks: &'static [Check],
}
