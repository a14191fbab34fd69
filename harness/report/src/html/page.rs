//! All that a page shows, put together from runs and proofs of any targets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::case::{Case, Decided};
use super::document;
use super::history::History;
use super::limit::Limit;
use super::mutant::Mutant;
use super::session::Session;
use crate::json::Document;
use crate::{DocumentMap, Purpose, Run};

#[derive(Serialize)]
pub struct Page {
    sessions: Vec<Session>,
    /// In the order of their ids, then of their targets.
    cases: Vec<Case>,
    mutants: Vec<Mutant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<History>,
    /// What the documents say, and which cases decide it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    documents: Vec<document::Document>,
}

impl Page {
    pub fn of(documents: &[Document], history: Option<History>) -> Page {
        let limit = Limit::of(documents);
        let mut decided: BTreeMap<(&str, &str), Vec<Decided>> = BTreeMap::new();
        let mut mutants = Vec::new();
        for (session, document) in documents.iter().enumerate() {
            for check in &document.checks {
                let key = (check.id.as_str(), document.target.as_str());
                decided.entry(key).or_default().push(Decided { session, purpose: document.purpose, check });
            }
            let tried = document.mutants.iter();
            mutants.extend(tried.map(|mutant| Mutant::of(mutant, &document.target, session, limit)));
            // A proof that was not finished says nothing of the target itself.
            if document.purpose == Purpose::Run {
                for id in &document.undecided {
                    decided.entry((id, &document.target)).or_default();
                }
            }
        }
        let case = |((id, target), checks): (&(&str, &str), &Vec<_>)| {
            Case::of(target, checks, limit).unwrap_or_else(|| Case::undecided(target, id))
        };
        let cases = decided.iter().map(case).collect();
        mutants.sort_by(|one, other| {
            (&one.id, &one.target, &one.mutant).cmp(&(&other.id, &other.target, &other.mutant))
        });
        let sessions = documents.iter().map(Session::from).collect();
        Page { sessions, cases, mutants, history, documents: Vec::new() }
    }

    /// The same, with what is known of the documents.
    pub fn with_documents(self, maps: &[DocumentMap]) -> Page {
        Page { documents: maps.iter().map(document::Document::from).collect(), ..self }
    }
}

impl From<&Run> for Page {
    fn from(run: &Run) -> Page {
        Page::of(&[Document::from(run)], None)
    }
}
