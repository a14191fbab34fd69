//! A document, section by section: which checks decide what it says, and what none does.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use manifest::ManifestError;
use record::{Invariant, Level};
use serde::{Deserialize, Serialize};

/// What is known of a document.
#[derive(Debug, Serialize)]
pub struct DocumentMap {
    pub name: String,
    pub sections: Vec<Section>,
}

#[derive(Debug, Serialize)]
pub struct Section {
    pub heading: String,
    pub decided: Vec<Decided>,
    pub open: Vec<Open>,
}

/// A promise that checks decide.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Decided {
    pub id: String,
    pub level: Level,
    pub statement: String,
}

/// Something that it says and no check decides.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub says: String,
    pub reason: String,
}

/// A file about a document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    section: Vec<Mapped>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapped {
    heading: String,
    /// What checks call it, when that is not its heading. What they say after it and a comma is a part of it.
    called: Option<String>,
    #[serde(default)]
    open: Vec<Open>,
}

impl DocumentMap {
    /// Of every document that these invariants are from, by the first of these directories that has a file about it.
    pub fn all<D: AsRef<Path>>(
        invariants: &[Invariant],
        directories: &[D],
    ) -> Result<Vec<DocumentMap>, ManifestError> {
        let mut by_name: BTreeMap<&str, Vec<&Invariant>> = BTreeMap::new();
        for invariant in invariants {
            by_name.entry(&invariant.source.document).or_default().push(invariant);
        }
        let maps = by_name.into_iter().map(|(name, invariants)| {
            let places = directories.iter().map(|directory| directory.as_ref());
            let file = places.filter_map(|place| about(name, place)).find(|file| file.is_file());
            let file = file.map(|file| manifest::load::<File>(&file)).transpose()?;
            let sections = file.map(|file| file.section).unwrap_or_default();
            Ok(DocumentMap::of(name, sections, &invariants))
        });
        maps.collect()
    }

    /// What no section is called goes last, under its own name.
    fn of(name: &str, mapped: Vec<Mapped>, invariants: &[&Invariant]) -> DocumentMap {
        let section = |Mapped { heading, called, open }| {
            let called = called.unwrap_or_else(|| heading.clone());
            (called, Section { heading, decided: Vec::new(), open })
        };
        let mut sections: Vec<(String, Section)> = mapped.into_iter().map(section).collect();
        for Invariant { id, level, statement, source, .. } in invariants.iter().copied() {
            for place in source.section.split("; ") {
                let at = sections.iter().position(|(called, _)| is_in(place, called));
                let at = at.unwrap_or_else(|| {
                    let (heading, decided, open) = (place.to_owned(), Vec::new(), Vec::new());
                    sections.push((place.to_owned(), Section { heading, decided, open }));
                    sections.len() - 1
                });
                let (id, statement) = (id.to_string(), statement.to_string());
                let decided = Decided { id, level: *level, statement };
                // Of several variants of one the statement is the same.
                if !sections[at].1.decided.contains(&decided) {
                    sections[at].1.decided.push(decided);
                }
            }
        }
        let sections = sections.into_iter().map(|(_, section)| section).collect();
        DocumentMap { name: name.to_owned(), sections }
    }
}

/// Where a directory has the file about a document. A name that leads elsewhere, which a report may have, has none.
fn about(name: &str, directory: &Path) -> Option<PathBuf> {
    let plain = Path::new(name).file_name().is_some_and(|file| file == name);
    plain.then(|| directory.join(name).with_extension("toml"))
}

fn is_in(place: &str, section: &str) -> bool {
    place.strip_prefix(section).is_some_and(|part| part.is_empty() || part.starts_with(", "))
}

impl fmt::Display for DocumentMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        for Section { heading, decided, open } in &self.sections {
            writeln!(f, "\n  {heading}")?;
            for Decided { id, level, statement } in decided {
                writeln!(f, "    {id} ({level})\n      {statement}")?;
            }
            for Open { says, reason } in open {
                writeln!(f, "    not decided: {says}\n      {reason}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use record::Source;

    use super::*;

    fn promise(id: &'static str, section: &'static str) -> Invariant {
        Invariant::new(id, Level::Must, "It holds.", Source::new("runbook.md", section))
    }

    #[test]
    fn a_check_is_in_each_section_that_it_names() {
        let place = tempfile::tempdir().unwrap();
        let map = "[[section]]\nheading = 'Step 1: begin'\ncalled = 'Step 1'\n[[section]]\nheading = 'After'\n\
                   open = [{ says = 'Rest.', reason = 'advice' }]\n";
        std::fs::write(place.path().join("runbook.toml"), map).unwrap();
        let promises = [
            promise("vpn.up", "Step 1, 2; After"),
            promise("vpn.up", "Step 1").on("aarch64"),
            promise("vpn.other", "Step 10"),
        ];
        let maps = DocumentMap::all(&promises, &[Path::new("nowhere"), place.path()]).unwrap();
        let [runbook] = &maps[..] else { panic!("{maps:?}") };
        assert_snapshot!(runbook, @"
        runbook.md

          Step 1: begin
            vpn.up (must)
              It holds.

          After
            vpn.up (must)
              It holds.
            not decided: Rest.
              advice

          Step 10
            vpn.other (must)
              It holds.
        ");
    }

    #[test]
    fn a_file_about_a_document_is_read_strictly() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("runbook.toml"), "[[section]]\nheading = 'After'\nopens = []\n")
            .unwrap();
        let wrong = DocumentMap::all(&[promise("vpn.up", "After")], &[place.path()]).unwrap_err().to_string();
        assert!(wrong.contains("runbook.toml, line 3: unknown field `opens`"), "{wrong}");
    }

    #[test]
    fn a_name_that_leads_elsewhere_has_no_file() {
        let place = Path::new("/maps");
        assert_eq!(about("runbook.md", place).unwrap(), Path::new("/maps/runbook.toml"));
        for name in ["../runbook.md", "/etc/runbook.md", "a/b.md", "..", ""] {
            assert_eq!(about(name, place), None, "{name}");
        }
    }
}
