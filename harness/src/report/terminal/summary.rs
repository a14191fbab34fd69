//! The last lines of a run.

use std::fmt::Write;

use super::kills::kills;
use super::style::{Style, Tone};
use crate::Verdict;
use crate::report::span::Span;
use crate::report::{Decision, Purpose, Run, text};

/// What did not pass, once more, then how many of each. For a proof also what became of the mutants.
pub fn summary(run: &Run, style: Style) -> String {
    let mut out = String::from("\n");
    for decision in run.decisions() {
        push_bad(&mut out, &decision, style);
    }
    if run.purpose == Purpose::Prove {
        out.push_str(&kills(run, style));
    }
    let undecided = run.undecided();
    if !undecided.is_empty() {
        let word = if run.purpose == Purpose::Prove { "unproven" } else { "not decided" };
        let _ = writeln!(out, "{}: {}", style.paint(Tone::Unclear, word), undecided.join(", "));
    }
    if run.interrupted {
        let _ = writeln!(out, "{}", style.paint(Tone::Unclear, "interrupted before the end"));
    }
    // A run that ended before its plan was heard has no target to name.
    let name = if run.target.is_empty() { "run" } else { &run.target };
    let _ = writeln!(out, "{}: {}, {}", text::line(name), counts(run), Span(run.took));
    out
}

fn push_bad(out: &mut String, decision: &Decision, style: Style) {
    let Some(worst) = decision.worst() else { return };
    if matches!(worst.verdict, Verdict::Passed | Verdict::Skipped { .. }) {
        return;
    }
    let word = style.word(Tone::from(&worst.verdict), worst.verdict.word());
    let _ = write!(out, "{word} {}", decision.invariant.name());
    if decision.cases.len() > 1 {
        let _ = write!(out, ", {} of {} repetitions", decision.like_worst(), decision.cases.len());
    }
    out.push('\n');
}

fn counts(run: &Run) -> String {
    let decisions = run.decisions();
    let count = |word: &str| {
        decisions
            .iter()
            .filter(|decision| decision.worst().is_some_and(|case| case.verdict.word() == word))
            .count()
    };
    let words = ["passed", "failed", "broken", "skipped"];
    let parts: Vec<String> = words
        .iter()
        .map(|word| (*word, count(word)))
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() { "nothing ran".into() } else { parts.join(", ") }
}
