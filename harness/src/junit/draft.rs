//! A case while its elements are read.

use std::time::Duration;

use super::head::{HEAD_LIMIT, Head};
use super::text::push;
use super::{Case, Flaky, Reason, Verdict};

/// The most of a name, in bytes. A longer one is refused, because cut names could become one.
pub const NAME_LIMIT: usize = 4096;
/// The most that is kept of what a verdict says, in bytes.
pub const MESSAGE_LIMIT: usize = 1024;

/// What an element inside a case says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub verdict: Verdict,
    /// It passed when it was tried again.
    pub flaky: bool,
}

#[derive(Debug, Default)]
pub struct Draft {
    class: String,
    name: String,
    took: Option<Duration>,
    /// What the attributes say.
    status: Option<Verdict>,
    /// The worst that the elements say.
    worst: Option<Verdict>,
    message: String,
    /// Whether the text of the element that is being read belongs to the message.
    listening: bool,
    flakes: u32,
    output: String,
}

impl Answer {
    /// What the element of this name says, if it decides anything.
    pub fn of(element: &str) -> Option<Answer> {
        let (verdict, flaky) = match element {
            "failure" | "rerunFailure" => (Verdict::Failed, false),
            "error" | "rerunError" => (Verdict::Broken, false),
            "skipped" => (Verdict::Skipped, false),
            "flakyFailure" => (Verdict::Failed, true),
            "flakyError" => (Verdict::Broken, true),
            _ => return None,
        };
        Some(Answer { verdict, flaky })
    }
}

impl Draft {
    /// A case of a suite of this name.
    pub fn new(suite: &str) -> Draft {
        Draft { class: suite.into(), ..Draft::default() }
    }

    /// Reads an attribute of the case.
    pub fn attribute(&mut self, name: &str, value: &str) -> Result<(), Reason> {
        match name {
            "name" | "classname" if value.len() > NAME_LIMIT => return Err(Reason::NameTooLong),
            "name" => self.name = value.into(),
            "classname" if !value.is_empty() => self.class = value.into(),
            "time" => self.took = seconds(value),
            "status" | "result" => self.status = self.status.max(status(value)),
            _ => {}
        }
        Ok(())
    }

    /// An element that decides began. The worst counts, and of equals the first, which is nearest to the cause.
    pub fn answer(&mut self, answer: Answer) {
        self.flakes += u32::from(answer.flaky);
        self.listening = self.worst.is_none_or(|worst| answer.verdict > worst);
        if self.listening {
            self.worst = Some(answer.verdict);
            self.message.clear();
        }
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

    pub fn finish(self) -> Result<Case, Reason> {
        if self.name.is_empty() {
            return Err(Reason::Nameless);
        }
        let verdict = self.worst.or(self.status).unwrap_or(Verdict::Passed);
        // The flaky elements stand for all tries but the last, which passed.
        let flaky = (self.flakes > 0).then(|| Flaky { passed: 1, of: self.flakes.saturating_add(1) });
        let message = self.message.trim_end().to_owned();
        let (class, name, took) = (self.class, self.name, self.took);
        let mut case = Case { class, name, verdict, message, flaky, took, entries: 1 };
        if case.is_ours() {
            let head = Head::read(&self.output);
            case.flaky = case.flaky.or(head.flaky);
            case.took = case.took.map(|all| all / head.repetitions);
        }
        Ok(case)
    }
}

/// What googletest and CTest say of a case without an element.
fn status(word: &str) -> Option<Verdict> {
    match word.to_ascii_lowercase().as_str() {
        "notrun" | "disabled" | "skipped" | "suppressed" | "ignored" => Some(Verdict::Skipped),
        "error" | "broken" => Some(Verdict::Broken),
        "fail" | "failed" | "failure" => Some(Verdict::Failed),
        _ => None,
    }
}

/// A time in seconds. Surefire once wrote `1,234.5`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().replace(',', "").parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.25", Some(250))]
    #[case::exponent("2.5e-1", Some(250))]
    #[case::thousands("1,234.5", Some(1_234_500))]
    #[case::empty("", None)]
    #[case::negative("-1", None)]
    #[case::not_a_number("NaN", None)]
    #[case::infinite("inf", None)]
    #[case::too_long("1e300", None)]
    fn a_time_is_read_or_missing(#[case] text: &str, #[case] milliseconds: Option<u64>) {
        assert_eq!(seconds(text), milliseconds.map(Duration::from_millis));
    }

    #[test]
    fn the_worst_answer_is_the_one_that_speaks() {
        let mut draft = Draft::new("suite");
        draft.attribute("name", "case").unwrap();
        for (element, said) in [("skipped", "no"), ("failure", ""), ("error", "worse?"), ("failure", "later")]
        {
            draft.answer(Answer::of(element).unwrap());
            draft.message(said);
            draft.text(&format!("\n  the text of {element}\n"));
        }
        let case = draft.finish().unwrap();
        assert_eq!((case.verdict, case.message.as_str()), (Verdict::Failed, "the text of failure"));
    }
}
