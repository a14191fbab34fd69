//! What of a node is not as it was.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::inputs::Input;
use super::lock::{Fields, Link, Node, Reference};

/// The most of a hash that is shown, in characters; its first ones name its kind.
const SHORT_HASH: usize = 15;

/// A field that changed, and what it was and is; not safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// As it is written, with the part that it is in: `flake`, `locked.narHash`, `original.ref`. `follows` is the path of
    /// another input that leads to it.
    pub field: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// All fields that are not the same, whatever they mean: each may decide what is fetched or how it is used.
pub fn differences(old: &Input, new: &Input) -> Vec<Difference> {
    let (mut before, mut after) = (fields(old), fields(new));
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let all = names.into_iter().map(|field| Difference {
        old: before.remove(&field),
        new: after.remove(&field),
        field,
    });
    all.filter(|difference| difference.old != difference.new).collect()
}

fn fields(input: &Input) -> Fields {
    let Node { locked, original, rest, .. } = &*input.node;
    let mut fields = rest.clone();
    for (part, reference) in [("locked", locked), ("original", original)] {
        let written = reference.iter().flat_map(written);
        fields.extend(written.map(|(name, value)| (format!("{part}.{name}"), value)));
    }
    if let Link::Follows(path) = &input.link {
        fields.insert("follows".into(), path.join("/").into());
    }
    fields
}

fn written(reference: &Reference) -> Fields {
    let fields = serde_json::to_value(reference).and_then(serde_json::from_value::<Fields>);
    let fields = fields.expect("it was read from JSON").into_iter();
    fields.filter(|(_, value)| !value.is_null()).collect()
}

impl Difference {
    /// Whether it is the same that `other` says of another part.
    pub fn repeats(&self, other: &Difference) -> bool {
        let name = |field: &str| field.split_once('.').map(|(_, name)| name.to_owned());
        self.field != other.field
            && name(&self.field) == name(&other.field)
            && (&self.old, &self.new) == (&other.old, &other.new)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [old, new] = [&self.old, &self.new].map(|value| short(value.as_ref()));
        let [old, new] =
            if old == new { [&self.old, &self.new].map(|value| whole(value.as_ref())) } else { [old, new] };
        write!(f, "{} {old} → {new}", self.field)
    }
}

fn short(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(hash)) if hash.starts_with("sha") => hash.chars().take(SHORT_HASH).collect(),
        value => whole(value),
    }
}

fn whole(value: Option<&Value>) -> String {
    match value {
        None => "unset".into(),
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(value) => value.to_string(),
    }
}
