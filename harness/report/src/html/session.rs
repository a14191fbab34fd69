//! One run or proof: what one JSON file tells of.

use record::text::line;
use record::{Laid, MachineKind};
use serde::Serialize;

use crate::Purpose;
use crate::json::Document;
use crate::run::Preparation;

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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overlays: Vec<Overlay>,
}

/// What was laid over the target.
#[derive(Serialize)]
struct Overlay {
    /// Which, and how many files of it do what.
    label: String,
    /// What each file does, then what is odd about some.
    lines: Vec<String>,
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
            overlays: document.laid.iter().map(Overlay::from).collect(),
        }
    }
}

impl From<&Laid> for Overlay {
    fn from(laid: &Laid) -> Overlay {
        let files = laid.files.iter().map(|file| format!("{}: {}", line(&file.path), file.effect));
        let lines = files.chain(laid.remarks.iter().map(line)).collect();
        Overlay { label: line(laid.to_string()), lines }
    }
}
