//! A mutant as a page shows it.

use record::Moment;
use record::event::Fate;
use record::text::line;
use serde::Serialize;

use super::evidence::Seen;
use super::limit::Limit;
use crate::json;

#[derive(Serialize)]
pub struct Mutant {
    pub target: String,
    pub id: String,
    pub mutant: String,
    /// The index of the proof that tried it.
    session: usize,
    #[serde(flatten)]
    fate: Fate,
    began: Option<Moment>,
    took: f64,
    evidence: Seen,
}

impl Mutant {
    pub fn of(mutant: &json::Mutant, target: &str, session: usize, limit: Limit) -> Mutant {
        let fate = match &mutant.fate {
            Fate::Killed { observed } => Fate::Killed { observed: limit.shown(observed) },
            Fate::Survived => Fate::Survived,
            Fate::Undecided { reason } => Fate::Undecided { reason: limit.shown(reason) },
        };
        Mutant {
            target: line(target),
            id: line(&mutant.id),
            mutant: line(&mutant.mutant),
            session,
            fate,
            began: mutant.began,
            took: mutant.took,
            evidence: Seen::of(&mutant.evidence, limit),
        }
    }
}
