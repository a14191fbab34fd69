//! The changes that prove that checks can fail.

use record::Text;

use crate::provision::StepFlaw;
use crate::settings::Setting;

/// A small, realistic change to a provisioned target that breaks exactly one invariant.
#[derive(Debug, Clone)]
pub struct Mutant {
    pub name: Text,
    /// The stage that is changed; the one that the check decides about when none is named.
    pub stage: Option<Text>,
    /// Whether a machine has to boot for it to take effect. Booting takes longer than all the rest.
    pub boots: bool,
    pub edits: Vec<Edit>,
}

impl Mutant {
    /// One that takes effect on a running machine.
    pub fn new(name: impl Into<Text>, edits: impl IntoIterator<Item = Edit>) -> Mutant {
        Mutant { name: name.into(), stage: None, boots: false, edits: edits.into_iter().collect() }
    }

    /// One that takes effect when a machine boots.
    pub fn at_boot(name: impl Into<Text>, edits: impl IntoIterator<Item = Edit>) -> Mutant {
        Mutant { boots: true, ..Mutant::new(name, edits) }
    }
}

/// One change to a target.
#[derive(Debug, Clone)]
pub enum Edit {
    Write {
        path: Text,
        content: Text,
    },
    Remove {
        path: Text,
    },
    /// Replaces a text that must occur exactly once in the file.
    Replace {
        path: Text,
        from: Text,
        to: Text,
    },
    /// A shell command that must succeed.
    Run {
        command: Text,
    },
    /// Something that a suite brings itself is other than it should be, which its settings say. The disk stays as it is.
    Setting(Setting),
    /// Something is wrong with a provisioning step. The disk stays as it is.
    Step {
        id: Text,
        flaw: StepFlaw,
    },
}

impl Edit {
    pub fn write(path: impl Into<Text>, content: impl Into<Text>) -> Edit {
        Edit::Write { path: path.into(), content: content.into() }
    }

    pub fn remove(path: impl Into<Text>) -> Edit {
        Edit::Remove { path: path.into() }
    }

    pub fn replace(path: impl Into<Text>, from: impl Into<Text>, to: impl Into<Text>) -> Edit {
        Edit::Replace { path: path.into(), from: from.into(), to: to.into() }
    }

    pub fn run(command: impl Into<Text>) -> Edit {
        Edit::Run { command: command.into() }
    }

    pub fn setting(table: impl Into<Text>, key: impl Into<Text>, value: impl Into<Text>) -> Edit {
        Edit::Setting(Setting { table: table.into(), key: key.into(), value: value.into() })
    }

    pub fn step(id: impl Into<Text>, flaw: StepFlaw) -> Edit {
        Edit::Step { id: id.into(), flaw }
    }
}
