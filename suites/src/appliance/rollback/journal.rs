//! What a watchdog says in the journal.

use serde_json::Value;

/// A line of the watchdog's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// As in syslog: the lower, the worse.
    pub priority: u8,
    pub text: String,
}

pub const ERROR: u8 = 3;
pub const WARNING: u8 = 4;

impl Said {
    /// Reads what `journalctl` prints as JSON, an entry a line, and takes what this unit has said. `logger` has often
    /// ended before the journal looks which unit it was of; such a line counts too.
    pub fn read(entries: &str, unit: &str) -> Vec<Said> {
        let entries = entries.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let by_it = |entry: &Value| match entry["_SYSTEMD_UNIT"].as_str() {
            Some(of) => of == unit,
            None => entry["_TRANSPORT"] == "syslog",
        };
        let read = |entry: Value| Said {
            priority: entry["PRIORITY"].as_str().and_then(|number| number.parse().ok()).unwrap_or(6),
            text: text(&entry["MESSAGE"]),
        };
        entries.filter(by_it).map(read).collect()
    }
}

/// What is no UTF-8 comes as numbers.
fn text(message: &Value) -> String {
    let byte = |number: &Value| number.as_u64().and_then(|number| u8::try_from(number).ok());
    match message {
        Value::Array(bytes) => {
            String::from_utf8_lossy(&bytes.iter().filter_map(byte).collect::<Vec<_>>()).into()
        }
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// The last of it, for a person to read.
pub fn last_words(said: &[Said]) -> String {
    let last: Vec<&str> = said.iter().rev().take(3).map(|said| said.text.as_str()).collect();
    match last.is_empty() {
        true => "it said nothing".into(),
        false => format!("it last said {:?}", last.into_iter().rev().collect::<Vec<_>>().join(" / ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_unit_or_its_logger_said_is_taken() {
        let entries = r#"{"_SYSTEMD_UNIT":"w.service","PRIORITY":"3","MESSAGE":"one","_TRANSPORT":"stdout"}
{"_SYSTEMD_UNIT":"a.service","PRIORITY":"3","MESSAGE":"another's","_TRANSPORT":"syslog"}
{"PRIORITY":"5","MESSAGE":"two","_TRANSPORT":"syslog"}
{"PRIORITY":"3","MESSAGE":"the kernel's","_TRANSPORT":"kernel"}
{"_SYSTEMD_UNIT":"w.service","MESSAGE":[116,104,255]}
no JSON"#;
        let said = |priority, text: &str| Said { priority, text: text.into() };
        assert_eq!(Said::read(entries, "w.service"), [said(3, "one"), said(5, "two"), said(6, "th\u{fffd}")]);
    }

    #[test]
    fn silence_is_told_too() {
        assert_eq!(last_words(&[]), "it said nothing");
        assert_eq!(last_words(&[Said { priority: 3, text: "no".into() }]), "it last said \"no\"");
    }
}
