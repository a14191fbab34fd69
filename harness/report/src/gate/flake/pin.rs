//! What an input is locked to.

use std::fmt;

use serde::Serialize;

use super::difference::Difference;
use super::lock::{Node, Reference};
use crate::gate::Day;

/// The most of a revision that is shown, in characters: as git shows it.
const SHORT: usize = 7;
/// The same of a hash, whose first characters name its kind.
const SHORT_HASH: usize = 15;

/// One version of one source; not safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pin {
    /// What kind of source: `github`, `git`, `tarball`, `path`, ...
    pub r#type: String,
    /// Where it is, as far as the type does not say.
    pub place: String,
    /// The revision, and for what has none the hash of its content.
    pub revision: Option<String>,
    /// The day on which it was last modified.
    pub date: Option<Day>,
}

impl Pin {
    /// Nothing for the flake itself, which is not locked.
    pub(super) fn of(node: &Node) -> Option<Pin> {
        let reference = node.locked.as_ref().or(node.original.as_ref())?;
        Some(Pin {
            r#type: reference.r#type.clone(),
            place: place(reference),
            revision: reference.rev.clone().or_else(|| reference.nar_hash.clone()),
            date: reference.last_modified.and_then(Day::of_unix_time),
        })
    }

    /// What is pinned, whichever version of it.
    fn source(&self) -> String {
        format!("{}:{}", self.r#type, self.place)
    }

    /// Which version.
    fn version(&self) -> String {
        let revision = self.revision.as_deref().unwrap_or("no revision");
        let length = if revision.contains('-') { SHORT_HASH } else { SHORT };
        let revision: String = match self.revision {
            Some(_) => revision.chars().take(length).collect(),
            None => revision.into(),
        };
        match self.date {
            Some(date) => format!("{revision} ({date})"),
            None => revision,
        }
    }

    /// From this one to `new`; what is the same is said once.
    pub(super) fn to(&self, new: &Pin) -> String {
        if self == new {
            self.to_string()
        } else if self.source() == new.source() {
            format!("{self} → {}", new.version())
        } else {
            format!("{self} → {new}")
        }
    }

    /// Whether it is told from where to where by which field, or that goes without saying.
    pub(super) fn tells(&self, new: &Pin, difference: &Difference) -> bool {
        match (difference.field.as_str(), difference.field.strip_prefix("locked.")) {
            ("follows", _) => self != new,
            (_, Some("rev" | "narHash" | "lastModified" | "revCount")) => self.revision != new.revision,
            (_, Some("type" | "owner" | "repo" | "host" | "url" | "path" | "id" | "dir")) => {
                self.source() != new.source()
            }
            _ => false,
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.source(), self.version())
    }
}

fn place(reference: &Reference) -> String {
    let repository = reference.owner.as_ref().zip(reference.repo.as_ref());
    let place = match (repository, &reference.host) {
        (Some((owner, repo)), Some(host)) => format!("{host}/{owner}/{repo}"),
        (Some((owner, repo)), None) => format!("{owner}/{repo}"),
        (None, _) => {
            let place = reference.url.as_ref().or(reference.path.as_ref()).or(reference.id.as_ref());
            place.cloned().unwrap_or_default()
        }
    };
    match &reference.dir {
        Some(dir) => format!("{place}?dir={dir}"),
        None => place,
    }
}
