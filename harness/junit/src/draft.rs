//! A case while its elements are read.

use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::head::{HEAD_LIMIT, Head};
use super::reader::Attributes;
use super::status::Status;
use super::text::push;
use super::{Case, Flaky, Place, Reason, Scope, Verdict, time};

/// The most of a name, in bytes. A longer one is refused, because cut names could become one.
pub const NAME_LIMIT: usize = 4096;
/// The most that is kept of what a verdict says, in bytes.
pub const MESSAGE_LIMIT: usize = 1024;

/// What a case without a name is called.
const NAMELESS: &str = "(no name)";
/// What Surefire and Gradle call what failed before or after the tests of a class. Older ones of Surefire leave it empty.
const NO_TESTS: [&str; 4] = ["", "initializationError", "executionError", "classMethod"];

/// What is known so far of a case, or of a suite as one.
#[derive(Debug, Default)]
pub struct Draft {
    place: Arc<Place>,
    class: String,
    name: String,
    scope: Scope,
    took: Option<Duration>,
    status: Option<Status>,
    /// The worst that the elements say.
    worst: Option<Verdict>,
    message: String,
    /// Whether the text of the element that is being read belongs to the message.
    listening: bool,
    /// How many elements say that it failed or is broken, and how many of them that it passed when it was tried again.
    bad: u64,
    flakes: u32,
    output: String,
}

impl Draft {
    pub fn new(place: Arc<Place>, class: &str, name: &str, scope: Scope) -> Draft {
        Draft { place, class: class.into(), name: name.into(), scope, ..Draft::default() }
    }

    /// A case in a suite of this place and name.
    pub fn read(outer: &Arc<Place>, suite: &str, attributes: &Attributes) -> Result<Draft, Reason> {
        let name = attributes.name()?;
        let class = ["classname", "class"].into_iter().filter_map(|name| attributes.get(name));
        let class = class.into_iter().find(|class| !class.is_empty()).unwrap_or(suite);
        if class.len() > NAME_LIMIT {
            return Err(Reason::NameTooLong);
        }
        let mut place = Place::clone(outer);
        attributes.iter().try_for_each(|(name, value)| place.attribute(name, value))?;
        let place = if place == **outer { outer.clone() } else { Arc::new(place) };
        let scope = if NO_TESTS.contains(&name) { Scope::Class } else { Scope::Test };
        let mut draft = Draft::new(place, class, if name.is_empty() { NAMELESS } else { name }, scope);
        draft.took = attributes.get("time").and_then(time::duration);
        draft.status = Status::of(attributes);
        Ok(draft)
    }

    /// An element that decides began. The worst counts, and of equals the first, which is nearest to the cause.
    pub fn answer(&mut self, answer: Answer) {
        self.bad += u64::from(answer.verdict.is_bad());
        self.flakes += u32::from(answer.flaky);
        self.listening = self.worst.is_none_or(|worst| answer.verdict > worst);
        if self.listening {
            self.worst = Some(answer.verdict);
            self.message.clear();
        }
    }

    /// An element that is not known ended.
    pub fn unknown(&mut self, element: &str) {
        if self.message.is_empty() {
            self.message(&format!("it has a <{element}>, which is not known to mean that it passed"));
        }
    }

    /// How many elements say that it failed or is broken.
    pub fn bad(&self) -> u64 {
        self.bad
    }

    /// The short text of the element that decides.
    pub fn message(&mut self, text: &str) {
        if self.listening {
            push(&mut self.message, text, MESSAGE_LIMIT);
            self.listening = text.is_empty();
        }
    }

    /// The long text of the element that decides, for which there is a message where there is no short one.
    pub fn text(&mut self, text: &str) {
        if self.listening {
            let text = if self.message.is_empty() { text.trim_start() } else { text };
            push(&mut self.message, text, MESSAGE_LIMIT);
        }
    }

    pub fn output(&mut self, text: &str) {
        push(&mut self.output, text, HEAD_LIMIT);
    }

    /// The case. What elements say counts before what attributes do, unless that is worse than skipped.
    pub fn finish(self) -> Case {
        let mut message = self.message.trim_end().to_owned();
        let mut verdict = self.worst.unwrap_or(Verdict::Passed);
        let status = self.status.filter(|status| status.known || self.worst.is_none());
        if let Some(status) = status.filter(|status| !verdict.is_bad() && status.verdict > verdict) {
            verdict = status.verdict;
            message.clear();
            push(&mut message, &status.to_string(), MESSAGE_LIMIT);
        }
        // The flaky elements stand for all tries but the last, which passed.
        let again = self.flakes > 0 && u64::from(self.flakes) == self.bad;
        let flaky = again.then(|| Flaky { passed: 1, of: self.flakes.saturating_add(1) });
        let (place, scope, took) = (self.place, self.scope, self.took);
        let mut case =
            Case { place, scope, message, flaky, took, ..Case::new(&self.class, &self.name, verdict) };
        if case.is_ours() {
            let head = Head::read(&self.output);
            case.flaky = case.flaky.or(head.flaky);
            case.took = case.took.map(|all| all / head.repetitions);
        }
        case.passed = case.passed.max(u32::from(case.flaky.is_some_and(|flaky| flaky.passed > 0)));
        case
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_answer_is_the_one_that_speaks() {
        let mut draft = Draft::default();
        for (element, said) in [("skipped", "no"), ("failure", ""), ("error", "worse?"), ("failure", "later")]
        {
            draft.answer(Answer::of(element).unwrap());
            draft.message(said);
            draft.text(&format!("\n  the text of {element}\n"));
        }
        let case = draft.finish();
        assert_eq!((case.verdict, case.message.as_str()), (Verdict::Failed, "the text of failure"));
    }
}
