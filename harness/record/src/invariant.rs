//! What the documents promise about a target.

use std::borrow::Cow;
use std::fmt;

/// A text that is either part of the program or was read from a file.
pub type Text = Cow<'static, str>;

/// A documented statement about a target, under an id that never changes once released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invariant {
    /// `family.name`, for example `binfmt.registered`.
    pub id: Text,
    pub level: Level,
    pub statement: Text,
    pub source: Source,
    /// What it is decided on, where it is decided separately on several variants of a target.
    pub variant: Option<Text>,
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
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    pub document: Text,
    /// Empty where nobody says.
    pub section: Text,
}

impl Source {
    pub fn new(document: impl Into<Text>, section: impl Into<Text>) -> Source {
        Source { document: document.into(), section: section.into() }
    }
}

impl Invariant {
    pub fn new(id: impl Into<Text>, level: Level, statement: impl Into<Text>, source: Source) -> Invariant {
        Invariant { id: id.into(), level, statement: statement.into(), source, variant: None }
    }

    /// The same, decided on one variant of the target.
    pub fn on(self, variant: impl Into<Text>) -> Invariant {
        Invariant { variant: Some(variant.into()), ..self }
    }

    /// What it is called in reports: its id, with the variant that it is decided on.
    pub fn name(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}@{variant}", self.id),
            None => self.id.to_string(),
        }
    }

    /// The part of the id before the dot.
    pub fn family(&self) -> &str {
        self.id.split_once('.').map_or(&*self.id, |(family, _)| family)
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
        match (&*self.document, &*self.section) {
            (document, "") => f.write_str(document),
            (document, section) => write!(f, "{document}, {section}"),
        }
    }
}
