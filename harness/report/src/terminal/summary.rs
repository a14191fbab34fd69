//! The last lines of a run.

use std::fmt::Write;

use record::{Verdict, text};

use super::kills::kills;
use super::style::{Style, Tone};
use crate::span::Span;
use crate::{Decision, Purpose, Run};

/// What did not pass, once more, and how often what was repeated did; then how many of each. For a proof also
/// what became of the mutants.
pub fn summary(run: &Run, style: Style) -> String {
    let mut out = String::from("\n");
    for decision in run.decisions() {
        push_decision(&mut out, &decision, style);
    }
    if run.purpose == Purpose::Prove {
        out.push_str(&kills(run, style));
    }
    let undecided = run.undecided();
    if !undecided.is_empty() {
        let word = if run.purpose == Purpose::Prove { "unproven" } else { "not decided" };
        let _ = writeln!(out, "{}: {}", style.paint(Tone::Unclear, word), text::line(undecided.join(", ")));
    }
    if run.interrupted {
        let _ = writeln!(out, "{}", style.paint(Tone::Unclear, "interrupted before the end"));
    }
    // A run that ended before its plan was heard has no target to name.
    let name = if run.target.is_empty() { "run" } else { &run.target };
    let _ = writeln!(out, "{}: {}, {}", text::line(name), counts(run), Span(run.took));
    out
}

fn push_decision(out: &mut String, decision: &Decision, style: Style) {
    let Some(worst) = decision.worst() else { return };
    let rate = decision.rate();
    if rate.is_none() && matches!(worst.verdict, Verdict::Passed | Verdict::Skipped { .. }) {
        return;
    }
    let word = style.word(Tone::from(&worst.verdict), worst.verdict.word());
    let _ = write!(out, "{word} {}", text::line(decision.invariant.name()));
    if let Some(rate) = rate {
        let _ = write!(out, ", {rate}");
    }
    out.push('\n');
}

fn counts(run: &Run) -> String {
    let decisions = run.decisions();
    let mut parts = Vec::new();
    for word in ["passed", "failed", "broken", "skipped"] {
        let like = |decision: &&Decision| decision.worst().is_some_and(|case| case.verdict.word() == word);
        let flaky = |decision: &&Decision| decision.rate().is_some_and(|rate| rate.flaky);
        let alike = decisions.iter().filter(like);
        match (alike.clone().count(), alike.filter(flaky).count()) {
            (0, _) => {}
            (count, 0) => parts.push(format!("{count} {word}")),
            (count, flaky) => parts.push(format!("{count} {word} ({flaky} flaky)")),
        }
    }
    if parts.is_empty() { "nothing ran".into() } else { parts.join(", ") }
}
