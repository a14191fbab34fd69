//! The last lines of a run.

use std::fmt::Write;

use record::{Verdict, text};

use super::kills::kills;
use super::style::{Style, Tone};
use crate::span::Span;
use crate::{Decision, Purpose, Run};

/// The most of a text that stands in the summary, in characters.
const TEXT_LIMIT: usize = 300;

/// What did not pass, once more with the reason, and how often what was repeated did; then how many of each. For a proof
/// also what became of the mutants.
pub fn summary(run: &Run, style: Style) -> String {
    let mut out = String::from("\n");
    for Group { tone, word, names, why } in groups(&run.decisions()) {
        let _ = writeln!(out, "{} {}", style.word(tone, word), names.join(", "));
        for line in why {
            let _ = writeln!(out, "  {line}");
        }
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

/// What ended alike, for the same reason.
struct Group {
    tone: Tone,
    word: &'static str,
    names: Vec<String>,
    why: Vec<String>,
}

/// What did not pass, and what was repeated, in the order in which the first of each was decided.
fn groups(decisions: &[Decision]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for decision in decisions {
        let Some(worst) = decision.worst() else { continue };
        let (word, why, rate) = (worst.verdict.word(), why(&worst.verdict), decision.rate());
        if rate.is_none() && why.is_empty() {
            continue;
        }
        let name = text::line(decision.invariant.name());
        let name = rate.iter().fold(name, |name, rate| format!("{name}, {rate}"));
        let alike = |group: &&mut Group| rate.is_none() && group.word == word && group.why == why;
        match groups.iter_mut().find(alike) {
            Some(group) => group.names.push(name),
            None => {
                let tone = Tone::from(&worst.verdict);
                groups.push(Group { tone, word, names: vec![name], why });
            }
        }
    }
    groups
}

fn why(verdict: &Verdict) -> Vec<String> {
    let told = |name: &str, value: &str| format!("{name}: {}", text::short(value.trim_end(), TEXT_LIMIT));
    match verdict {
        Verdict::Failed(violation) => {
            vec![told("expected", &violation.expected), told("observed", &violation.observed)]
        }
        Verdict::Broken { reason } => vec![told("reason", reason)],
        Verdict::Passed | Verdict::Skipped { .. } => Vec::new(),
    }
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
