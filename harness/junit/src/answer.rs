//! What an element of a case or suite says.

use super::{Verdict, words};

/// Elements that say nothing of a verdict.
const HARMLESS: [&str; 20] = [
    "system-out",
    "system-err",
    "properties",
    "property",
    "output",
    "stdout",
    "stderr",
    "attachments",
    "attachment",
    "artifacts",
    "description",
    "documentation",
    "tags",
    "labels",
    "categories",
    "traits",
    "links",
    "metadata",
    "parameters",
    "environment",
];

/// What an element says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub verdict: Verdict,
    /// It passed when it was tried again.
    pub flaky: bool,
}

impl Answer {
    /// What the element of this name says, if it says anything. Nobody knows what one says that is not known, and so it
    /// does not pass.
    pub fn of(element: &str) -> Option<Answer> {
        let answer = Answer::known(element).unwrap_or(Answer::broken());
        (!HARMLESS.contains(&element) && answer.verdict != Verdict::Passed).then_some(answer)
    }

    /// What it says, if its name is a word for that. `flakyFailure`: it failed, and passed when it was tried again;
    /// `rerunError`: it was broken when it was tried again.
    pub fn known(element: &str) -> Option<Answer> {
        let again = element.strip_prefix("flaky");
        let word = again.or(element.strip_prefix("rerun")).unwrap_or(element);
        words::verdict(word).map(|verdict| Answer { verdict, flaky: again.is_some() })
    }

    pub fn broken() -> Answer {
        Answer { verdict: Verdict::Broken, flaky: false }
    }
}
