//! One run or proof: what one JSON file tells of.

use serde::Serialize;

use crate::MachineKind;
use crate::report::Purpose;
use crate::report::json::Document;
use crate::report::record::Preparation;
use crate::report::text::line;

#[derive(Serialize)]
pub struct Session {
    purpose: Purpose,
    target: String,
    machine: MachineKind,
    started: u64,
    took: f64,
    interrupted: bool,
    undecided: Vec<String>,
    preparations: Vec<Preparation>,
}

impl From<&Document> for Session {
    fn from(document: &Document) -> Session {
        let preparation = |known: &Preparation| Preparation { what: line(&known.what), ..known.clone() };
        Session {
            purpose: document.purpose,
            target: line(&document.target),
            machine: document.machine,
            started: document.started,
            took: document.took,
            interrupted: document.interrupted,
            undecided: document.undecided.iter().map(line).collect(),
            preparations: document.preparations.iter().map(preparation).collect(),
        }
    }
}
