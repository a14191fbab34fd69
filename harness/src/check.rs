//! The functions that decide invariants, and the changes that prove they can.

mod command;
pub mod file;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use lab::settings::{Settings, SettingsError, Table};
use lab::{Edit, Mutant};
use machine::Machine;
use record::{Invariant, Level, Need, Outcome, Source, Stop, Text};

use crate::Trial;

/// Decides one invariant.
///
/// ```
/// use harness::{Check, Edit, Need, Outcome, Source, Trial};
///
/// fn up() -> Check {
///     Check::must("vpn.up", Source::new("runbook.md", "4"), "The VPN is up after boot.", is_up)
///         .needs([Need::Boot])
///         .mutant("not started", [Edit::run("systemctl stop wg-quick@wg0")])
/// }
///
/// async fn is_up(trial: &Trial) -> Outcome {
///     trial.machine().await?.succeed("systemctl is-active wg-quick@wg0").await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Check {
    pub invariant: Invariant,
    pub needs: Vec<Need>,
    pub mutants: Vec<Mutant>,
    decide: Decision,
}

type Decision = Arc<dyn for<'t> Fn(&'t Trial) -> BoxFuture<'t, Outcome> + Send + Sync>;

/// An asynchronous function of a trial.
pub trait Decide<'t>: Fn(&'t Trial) -> Self::Deciding {
    type Deciding: Future<Output = Outcome> + Send + 't;
}

impl<'t, F, D> Decide<'t> for F
where
    F: Fn(&'t Trial) -> D,
    D: Future<Output = Outcome> + Send + 't,
{
    type Deciding = D;
}

impl Check {
    /// Decides what the documents say.
    pub fn must<F>(id: impl Into<Text>, source: Source, statement: impl Into<Text>, decide: F) -> Check
    where
        F: for<'t> Decide<'t> + Send + Sync + 'static,
    {
        Check::new(Invariant::new(id, Level::Must, statement, source), decide)
    }

    /// Decides what the documents' design implies.
    pub fn hazard<F>(id: impl Into<Text>, source: Source, statement: impl Into<Text>, decide: F) -> Check
    where
        F: for<'t> Decide<'t> + Send + Sync + 'static,
    {
        Check::new(Invariant::new(id, Level::Hazard, statement, source), decide)
    }

    fn new<F>(invariant: Invariant, decide: F) -> Check
    where
        F: for<'t> Decide<'t> + Send + Sync + 'static,
    {
        Check::boxed(invariant, move |trial| decide(trial).boxed())
    }

    /// For what is no function of its own, such as a closure that keeps what it decides by.
    fn boxed<F>(invariant: Invariant, decide: F) -> Check
    where
        F: for<'t> Fn(&'t Trial) -> BoxFuture<'t, Outcome> + Send + Sync + 'static,
    {
        Check { invariant, needs: Vec::new(), mutants: Vec::new(), decide: Arc::new(decide) }
    }

    /// All that it asks of a machine beyond commands and what files say.
    pub fn needs(self, needs: impl IntoIterator<Item = Need>) -> Check {
        Check { needs: needs.into_iter().collect(), ..self }
    }

    /// A mutant that takes effect on a running machine.
    pub fn mutant(self, name: impl Into<Text>, edits: impl IntoIterator<Item = Edit>) -> Check {
        self.with(Mutant::new(name, edits))
    }

    /// A mutant that takes effect when a machine boots.
    pub fn mutant_at_boot(self, name: impl Into<Text>, edits: impl IntoIterator<Item = Edit>) -> Check {
        self.with(Mutant::at_boot(name, edits))
    }

    /// The same, on the machines of a stage that the check is not about.
    pub fn mutant_of(
        self,
        stage: impl Into<Text>,
        name: impl Into<Text>,
        edits: impl IntoIterator<Item = Edit>,
    ) -> Check {
        self.with(Mutant { stage: Some(stage.into()), ..Mutant::at_boot(name, edits) })
    }

    pub fn with(mut self, mutant: Mutant) -> Check {
        self.mutants.push(mutant);
        self
    }

    /// This check on one variant of the target, which is a stage's name where it decides about a machine of
    /// that stage.
    pub fn on(mut self, variant: impl Into<Text>) -> Check {
        self.invariant = self.invariant.on(variant);
        self
    }

    /// The same, which is decided only where this does not stop it before.
    pub fn requiring<F>(self, required: F) -> Check
    where
        F: for<'t> Fn(&'t Trial) -> BoxFuture<'t, Outcome> + Copy + Send + Sync + 'static,
    {
        let decide = self.decide;
        let decide: Decision = Arc::new(move |trial| {
            let decide = decide.clone();
            async move {
                required(trial).await?;
                decide(trial).await
            }
            .boxed()
        });
        Check { decide, ..self }
    }

    /// The same, but what this makes of the outcome is the outcome.
    pub fn then<F>(self, judge: F) -> Check
    where
        F: for<'t> Fn(&'t Trial, Outcome) -> BoxFuture<'t, Outcome> + Copy + Send + Sync + 'static,
    {
        let decide = self.decide;
        let decide: Decision =
            Arc::new(move |trial| decide(trial).then(move |outcome| judge(trial, outcome)).boxed());
        Check { decide, ..self }
    }

    pub fn decide<'t>(&self, trial: &'t Trial) -> BoxFuture<'t, Outcome> {
        (self.decide)(trial)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Check { invariant, needs, mutants, decide: _ } = self;
        f.debug_struct("Check")
            .field("invariant", invariant)
            .field("needs", needs)
            .field("mutants", mutants)
            .finish_non_exhaustive()
    }
}

/// The checks of one family on one target.
#[derive(Clone, Copy)]
pub struct Suite {
    /// The target that it was written for.
    pub target: &'static str,
    pub name: &'static str,
    /// The tables of a target file that say what it cannot know.
    pub tables: &'static [&'static str],
    checks: fn(&Settings) -> Result<Vec<Check>, SettingsError>,
    furnish: Option<Furnish>,
}

/// Puts into a machine what a person who works in it by hand would miss.
pub type Furnish = for<'a> fn(&'a Trial, &'a dyn Machine) -> BoxFuture<'a, Result<Furniture, Stop>>;

/// What was put there, for as long as this is kept.
pub struct Furniture {
    /// To be told to whoever works there.
    pub said: String,
    pub kept: Box<dyn Any + Send>,
}

impl Suite {
    pub const fn new(
        target: &'static str,
        name: &'static str,
        checks: fn(&Settings) -> Result<Vec<Check>, SettingsError>,
    ) -> Suite {
        Suite { target, name, tables: &[], checks, furnish: None }
    }

    /// The same, which has a table of its own in target files.
    pub const fn with_table<T: Table>(self) -> Suite {
        Suite { tables: const { &[T::NAME] }, ..self }
    }

    /// The same, which shares one of two with other suites.
    pub const fn with_tables<T: Table, U: Table>(self) -> Suite {
        Suite { tables: const { &[T::NAME, U::NAME] }, ..self }
    }

    /// The same, which furnishes machines that somebody works in by hand.
    pub const fn furnishing(self, furnish: Furnish) -> Suite {
        Suite { furnish: Some(furnish), ..self }
    }

    /// What a target file calls it that uses it.
    pub fn label(&self) -> String {
        format!("{}/{}", self.target, self.name)
    }

    /// Its checks of a target with these settings.
    pub fn checks(&self, settings: &Settings) -> Result<Vec<Check>, SettingsError> {
        (self.checks)(settings)
    }

    pub fn furnish(&self) -> Option<Furnish> {
        self.furnish
    }
}
