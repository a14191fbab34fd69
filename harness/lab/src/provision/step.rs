//! One idempotent provisioning action.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use machine::Machine;
use record::event::Change;
use record::{MachineError, Output};
use serde::Deserialize;

use super::{Closure, ProvisionError};
use crate::tree::Tree;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The document's number and a name, for example `3.1-rosetta-binfmt`.
    pub id: String,
    pub title: String,
    /// The section of the document that asks for it.
    pub source: String,
    /// The steps that must be there before.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What else must be there before, and no step brings.
    pub requires: Option<Requirement>,
    /// What Nix builds on this host, brought and activated after the files are laid.
    pub closure: Option<Closure>,
    /// Commands to run, in order, after that.
    #[serde(default)]
    pub apply: Vec<String>,
    /// A command that succeeds exactly when the step is done. Files are looked at without it.
    pub done: Option<String>,
    /// How long each command may take, in seconds.
    #[serde(default = "a_minute")]
    pub limit: u64,
    /// The tree beside the steps file, in `steps/ID/`.
    #[serde(skip)]
    pub files: Tree,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// A noun phrase for the message.
    pub what: String,
    pub probe: String,
}

/// What a machine needs to register a closure.
static NIX: LazyLock<Requirement> =
    LazyLock::new(|| Requirement { what: "Nix".into(), probe: "command -v nix-store".into() });

fn a_minute() -> u64 {
    60
}

impl Step {
    /// What is done, without the files that are laid.
    pub fn without_files(&self) -> Step {
        Step { files: Tree::default(), ..self.clone() }
    }

    /// Whether these steps are all that it needs.
    pub(super) fn can_follow(&self, there: &BTreeSet<&str>) -> bool {
        self.needs.iter().all(|need| there.contains(need.as_str()))
    }

    /// Whether the machine has the step already: all its files alike, and its probe content.
    pub async fn is_there(&self, machine: &dyn Machine) -> Result<bool, ProvisionError> {
        let differences = self.files.differences(machine).await.map_err(|error| self.failed(error))?;
        if !differences.is_empty() {
            return Ok(false);
        }
        match &self.done {
            Some(probe) => Ok(self.run(probe, machine).await?.success()),
            // Commands without a probe leave nothing to see, so they cannot count as done.
            None => Ok(self.apply.is_empty() && self.closure.is_none()),
        }
    }

    /// Makes the machine have the step. Refuses before it changes anything.
    pub async fn ensure(&self, machine: &dyn Machine) -> Result<Change, ProvisionError> {
        if self.is_there(machine).await? {
            return Ok(Change::AlreadyThere);
        }
        for requirement in self.requires.iter().chain(self.closure.as_ref().map(|_| &*NIX)) {
            self.check_requirement(requirement, machine).await?;
        }
        self.apply(machine).await?;
        Ok(Change::Applied)
    }

    /// Does all that the step does, whether the machine has it or not.
    pub async fn apply(&self, machine: &dyn Machine) -> Result<(), ProvisionError> {
        self.files.lay(machine).await.map_err(|error| self.failed(error))?;
        if let Some(closure) = &self.closure {
            closure.bring(machine).await.map_err(|error| self.failed(error))?;
            self.succeed(&closure.activation(), machine).await?;
        }
        for command in &self.apply {
            self.succeed(command, machine).await?;
        }
        self.confirm(machine).await
    }

    async fn succeed(&self, command: &str, machine: &dyn Machine) -> Result<(), ProvisionError> {
        let output = self.run(command, machine).await?;
        if output.success() {
            return Ok(());
        }
        let (step, machine, command) = (self.id.clone(), machine.name().into(), command.into());
        Err(ProvisionError::Failed { step, machine, command, output })
    }

    async fn check_requirement(
        &self,
        Requirement { what, probe }: &Requirement,
        machine: &dyn Machine,
    ) -> Result<(), ProvisionError> {
        let output = self.run(probe, machine).await?;
        if output.success() {
            return Ok(());
        }
        Err(ProvisionError::Unmet {
            step: self.id.clone(),
            machine: machine.name().into(),
            what: what.clone(),
            probe: probe.clone(),
            output,
        })
    }

    async fn confirm(&self, machine: &dyn Machine) -> Result<(), ProvisionError> {
        let Some(probe) = &self.done else { return Ok(()) };
        let output = self.run(probe, machine).await?;
        if output.success() {
            return Ok(());
        }
        Err(ProvisionError::NotThere {
            step: self.id.clone(),
            machine: machine.name().into(),
            probe: probe.clone(),
            output,
        })
    }

    async fn run(&self, command: &str, machine: &dyn Machine) -> Result<Output, ProvisionError> {
        let limit = Duration::from_secs(self.limit);
        machine.run_within(command, limit).await.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: MachineError) -> ProvisionError {
        ProvisionError::Machine { step: self.id.clone(), source }
    }
}
