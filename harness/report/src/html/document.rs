//! The map of a document as a page shows it.

use record::text::line;
use serde::Serialize;

use crate::DocumentMap;
use crate::map;

#[derive(Serialize)]
pub struct Document {
    name: String,
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    heading: String,
    /// The ids of the promises that are decided, each with what it says.
    decided: Vec<(String, String)>,
    /// What is not decided, each with the reason.
    open: Vec<(String, String)>,
}

impl From<&DocumentMap> for Document {
    fn from(map: &DocumentMap) -> Document {
        Document { name: line(&map.name), sections: map.sections.iter().map(Section::from).collect() }
    }
}

impl From<&map::Section> for Section {
    fn from(section: &map::Section) -> Section {
        Section {
            heading: line(&section.heading),
            decided: section.decided.iter().map(|one| (line(&one.id), line(&one.statement))).collect(),
            open: section.open.iter().map(|one| (line(&one.says), line(&one.reason))).collect(),
        }
    }
}
