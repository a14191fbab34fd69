//! What the documents promise about a target.

use std::fmt;

/// A documented statement about a target, under an id that never changes once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invariant {
    /// `family.name`, for example `binfmt.registered`.
    pub id: &'static str,
    pub level: Level,
    pub statement: &'static str,
    pub source: Source,
    /// What it is decided on, where it is decided separately on several variants of a target.
    pub variant: Option<&'static str>,
}

/// How firmly the documents say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The documents say so.
    Must,
    /// The documents' design implies it: a target that gets it wrong works today and breaks on a bad day.
    Hazard,
}

/// Where a statement is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    pub document: &'static str,
    pub section: &'static str,
}

impl Invariant {
    /// What it is called in reports: its id, with the variant that it is decided on.
    pub fn name(&self) -> String {
        match self.variant {
            Some(variant) => format!("{}@{variant}", self.id),
            None => self.id.to_owned(),
        }
    }

    /// The part of the id before the dot.
    pub fn family(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(family, _)| family)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Must => "must",
            Level::Hazard => "hazard",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.document, self.section)
    }
}
