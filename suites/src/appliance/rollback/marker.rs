//! The marker of a pending rebuild, in whichever form its writer has chosen.

use std::collections::BTreeMap;

use super::settings::Rollback;

use serde_json::Value;
use time::format_description::well_known::Iso8601;
use time::{OffsetDateTime, PrimitiveDateTime};

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
    /// Reads a JSON object or lines of `NAME=value`, by the names that the target gives the fields, or three lines that
    /// are nothing but the fields, in the order in which the document has them.
    pub fn read(text: &str, rollback: &Rollback) -> Marker {
        let names = [&rollback.field.time, &rollback.field.previous, &rollback.field.flake];
        let fields = object(text).unwrap_or_else(|| lines(text));
        let [time, previous, flake] = if names.iter().any(|name| fields.contains_key(*name)) {
            names.map(|name| fields.get(name).filter(|value| !value.is_empty()).cloned())
        } else {
            let mut lines = text.lines().map(|line| Some(line.trim()).filter(|line| !line.is_empty()));
            names.map(|_| lines.next().flatten().map(str::to_owned))
        };
        Marker { time: time.as_deref().and_then(seconds), previous, flake }
    }
}

/// A time of day and year in any form that programs write: a number since 1970, or ISO 8601, which is UTC where it does
/// not say.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if [whole, fraction].iter().all(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        let number: u64 = whole.parse().ok()?;
        // In which unit it counts shows, for thousands of years.
        return Some(match whole.len() {
            ..=11 => number,
            12..=14 => number / 1_000,
            15..=17 => number / 1_000_000,
            _ => number / 1_000_000_000,
        });
    }
    let text = text.replacen(' ', "T", 1);
    let given = OffsetDateTime::parse(&text, &Iso8601::PARSING);
    let time = given
        .or_else(|_| PrimitiveDateTime::parse(&text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc));
    u64::try_from(time.ok()?.unix_timestamp()).ok()
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
    fn every_form_is_read() {
        for text in [
            "timestamp=1795266600\nprevious_system=\"/nix/store/a-system\"\nflake_ref=/srv/flake#x\n",
            r#"{"timestamp": 1795266600, "previous_system": "/nix/store/a-system", "flake_ref": "/srv/flake#x"}"#,
            "1795266600\n/nix/store/a-system\n/srv/flake#x\n",
        ] {
            assert_eq!(Marker::read(text, &Rollback::default()), complete(), "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_target() {
        let mut rollback = Rollback::default();
        rollback.field.previous = "PREV".into();
        let marker = Marker::read("timestamp=soon\nPREV=/nix/store/a-system\nflake_ref=\n", &rollback);
        assert_eq!(marker, Marker { time: None, flake: None, ..complete() });
    }

    #[test]
    fn a_time_is_read_as_programs_write_it() {
        for text in [
            "1795266600",
            "1795266600.25",
            "1795266600250",
            "1795266600250000",
            "1795266600250000000",
            "2026-11-21T13:10:00Z",
            "2026-11-21T13:10:00.123456+00:00",
            "2026-11-21T14:10:00+01:00",
            "2026-11-21T08:10:00-0500",
            "2026-11-21 13:10:00+00:00",
            "2026-11-21T13:10:00.123456",
            "20261121T131000Z",
        ] {
            assert_eq!(seconds(text), Some(1_795_266_600), "{text}");
        }
        for text in ["", ".", "soon", "-1", "1e9", "inf", "2026-11-21", "13:10:00", "1969-12-31T00:00:00Z"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
