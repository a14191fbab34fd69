//! The marker of a pending rebuild, in whichever form its writer has chosen.

use std::collections::BTreeMap;

use harness::target::Rollback;
use serde_json::Value;

/// What is read of a marker at most, in bytes.
pub const LIMIT: usize = 64 << 10;

/// The fields that the document asks for, as far as they are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// In seconds since 1970.
    pub time: Option<u64>,
    pub previous: Option<String>,
    pub flake: Option<String>,
}

impl Marker {
    /// Reads a JSON object or lines of `NAME=value`, by the names that the target gives the fields.
    pub fn read(text: &str, rollback: &Rollback) -> Marker {
        let fields = object(text).unwrap_or_else(|| lines(text));
        let field = |name: &String| fields.get(name).filter(|value| !value.is_empty()).cloned();
        Marker {
            time: field(&rollback.field.time).and_then(|time| time.parse().ok()),
            previous: field(&rollback.field.previous),
            flake: field(&rollback.field.flake),
        }
    }
}

fn object(text: &str) -> Option<BTreeMap<String, String>> {
    let object: BTreeMap<String, Value> = serde_json::from_str(text).ok()?;
    let plain = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(object.into_iter().map(|(name, value)| (name, plain(value))).collect())
}

fn lines(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let unquoted = |value: &str| value.trim().trim_matches(['"', '\'']).to_owned();
    pairs.map(|(name, value)| (name.trim().to_owned(), unquoted(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> Marker {
        let (previous, flake) = (Some("/nix/store/a-system".into()), Some("/srv/flake#x".into()));
        Marker { time: Some(1_795_266_600), previous, flake }
    }

    #[test]
    fn both_forms_are_read() {
        let rollback = Rollback::default();
        let lines = "timestamp=1795266600\nprevious_system=\"/nix/store/a-system\"\nflake_ref=/srv/flake#x\n";
        assert_eq!(Marker::read(lines, &rollback), complete());
        let object = r#"{"timestamp": 1795266600, "previous_system": "/nix/store/a-system", "flake_ref": "/srv/flake#x"}"#;
        assert_eq!(Marker::read(object, &rollback), complete());
    }

    #[test]
    fn names_are_those_of_the_target() {
        let mut rollback = Rollback::default();
        rollback.field.previous = "PREV".into();
        let marker = Marker::read("timestamp=soon\nPREV=/nix/store/a-system\nflake_ref=\n", &rollback);
        assert_eq!(marker, Marker { time: None, flake: None, ..complete() });
    }
}
