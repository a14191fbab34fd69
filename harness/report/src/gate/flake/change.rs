//! What is different between two lock files.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::difference::{Difference, differences};
use super::inputs::Input;
use super::lock::{Link, Lock};
use super::pin::Pin;

/// An input that changed; not safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputChange {
    /// Its path: `nixpkgs`, or `home-manager/nixpkgs` for the input of an input.
    pub name: String,
    #[serde(flatten)]
    change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
enum Change {
    Added { new: Option<Pin> },
    Removed { old: Option<Pin> },
    Updated { old: Option<Pin>, new: Option<Pin>, fields: Vec<Difference> },
}

impl InputChange {
    /// One word for what happened to it.
    pub fn word(&self) -> &'static str {
        match self.change {
            Change::Added { .. } => "added",
            Change::Removed { .. } => "removed",
            Change::Updated { .. } => "updated",
        }
    }
}

impl fmt::Display for InputChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alone = |pin: &Option<Pin>| pin.as_ref().map_or("the flake itself".into(), Pin::to_string);
        match &self.change {
            Change::Added { new: pin } | Change::Removed { old: pin } => f.write_str(&alone(pin)),
            Change::Updated { old: Some(old), new: Some(new), fields } => {
                write!(f, "{}{}", old.to(new), beside(old, new, fields))
            }
            Change::Updated { old, new, .. } => write!(f, "{} → {}", alone(old), alone(new)),
        }
    }
}

/// What changed besides that one leads to the other.
fn beside(old: &Pin, new: &Pin, fields: &[Difference]) -> String {
    let locked = |other: &&Difference| other.field.starts_with("locked.");
    let copied = |field: &Difference| fields.iter().filter(locked).any(|other| field.repeats(other));
    let told = fields.iter().filter(|field| !old.tells(new, field) && !copied(field));
    let told: Vec<String> = told.map(Difference::to_string).collect();
    let other_contents = fields.iter().any(|field| field.field == "locked.narHash");
    let begin = match () {
        () if told.is_empty() => "",
        () if old != new || old.revision.is_none() => "; ",
        () if other_contents => ", the same revision with other contents: ",
        () => ", the same revision: ",
    };
    format!("{begin}{}", told.join("; "))
}

/// The inputs that lead to something else in `new` than in `old`, by name.
pub fn changes(old: &Lock, new: &Lock) -> Vec<InputChange> {
    let names: BTreeSet<&String> = old.inputs.keys().chain(new.inputs.keys()).collect();
    let changes = names.into_iter().filter_map(|name| {
        let change = change(old.inputs.get(name), new.inputs.get(name))?;
        Some(InputChange { name: name.clone(), change })
    });
    changes.collect()
}

fn change(old: Option<&Input>, new: Option<&Input>) -> Option<Change> {
    let pin = |input: &Input| Pin::of(&input.node);
    match (old, new) {
        (Some(old), Some(new)) => {
            let fields = differences(old, new);
            let told = is_told(old) || is_told(new) || old.link != new.link;
            (told && !fields.is_empty()).then(|| Change::Updated { old: pin(old), new: pin(new), fields })
        }
        (Some(old), None) => is_told(old).then(|| Change::Removed { old: pin(old) }),
        (None, Some(new)) => is_told(new).then(|| Change::Added { new: pin(new) }),
        (None, None) => None,
    }
}

/// Whether a change of it says more than that of the input that it follows.
fn is_told(input: &Input) -> bool {
    input.direct || matches!(input.link, Link::Node(_))
}
