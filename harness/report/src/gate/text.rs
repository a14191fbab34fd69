//! What the gate says to people.

use std::fmt::Write;

use junit::Verdict;
use record::text;

use super::flake::InputChange;
use super::{Finding, Judgement, Kind};
use crate::Span;
use crate::terminal::{Style, Tone};

/// The most cases that are listed of one kind, after which the rest is counted.
const LIST_LIMIT: usize = 1000;
/// The most of a name or message that is shown, in characters.
const LINE_LIMIT: usize = 300;

/// Everything but what is as before, and the decision. `inputs` are the changes of a flake, if they were asked for.
pub fn text(judgement: &Judgement, inputs: Option<&[InputChange]>, style: Style) -> String {
    let mut out = String::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Same) {
        let found: Vec<_> = judgement.of(kind).collect();
        if found.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{}", style.paint(Tone::Strong, kind.title()));
        for finding in found.iter().take(LIST_LIMIT) {
            push(&mut out, finding, style);
        }
        push_rest(&mut out, found.len());
        out.push('\n');
    }
    if let Some(inputs) = inputs {
        push_inputs(&mut out, inputs, style);
    }
    if !judgement.notes.is_empty() {
        let _ = writeln!(out, "{}", style.paint(Tone::Strong, "notes"));
        for note in judgement.notes.iter().take(LIST_LIMIT) {
            let _ = writeln!(out, "  {}", short(note));
        }
        push_rest(&mut out, judgement.notes.len());
        out.push('\n');
    }
    let _ = writeln!(out, "gate: {}", summary(judgement));
    out
}

/// How many of each kind.
pub fn summary(judgement: &Judgement) -> String {
    let counts = Kind::ALL.map(|kind| (kind, judgement.of(kind).count()));
    let parts = counts.iter().filter_map(|(kind, count)| match (kind, count) {
        (Kind::Regression, 0) => Some("no regression".to_owned()),
        (Kind::Regression, 1) => Some("1 regression".to_owned()),
        (_, 0) => None,
        (kind, count) => Some(format!("{count} {}", kind.title())),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Why it is told, in one line; safe to show.
pub fn why(finding: &Finding) -> String {
    let mut parts: Vec<String> = finding.reasons.iter().map(|reason| short(&reason.to_string())).collect();
    match (finding.kind, finding.before) {
        (Kind::Fixed | Kind::StillFailing | Kind::StillBroken | Kind::Changed, Some(before)) => {
            parts.push(format!("{} before", before.word()));
        }
        (Kind::Slower | Kind::Faster, _) => {
            let [before, after] = [finding.took_before, finding.took_after].map(Option::unwrap_or_default);
            parts.push(format!("{}, {} before", Span(after), Span(before)));
        }
        _ => {}
    }
    if let Some(flaky) = finding.flaky {
        parts.insert(0, format!("flaky, {} of {} passed", flaky.passed, flaky.of));
    }
    parts.join("; ")
}

/// The beginning of a text from a report, in one line, safe to show.
pub fn short(raw: &str) -> String {
    let shown = text::line(raw);
    match shown.char_indices().nth(LINE_LIMIT) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn push(out: &mut String, finding: &Finding, style: Style) {
    let tone = finding.after.map_or(Tone::Bad, Tone::from);
    let why = why(finding);
    let colon = if why.is_empty() { "" } else { ": " };
    let _ = writeln!(out, "  {} {}{colon}{why}", style.word(tone, finding.word()), short(&finding.name));
    let tell = matches!(finding.kind, Kind::Regression | Kind::New | Kind::Changed);
    if tell && !finding.message.is_empty() {
        let _ = writeln!(out, "          {}", short(&finding.message));
    }
}

fn push_rest(out: &mut String, count: usize) {
    if count > LIST_LIMIT {
        let _ = writeln!(out, "  and {} more", count - LIST_LIMIT);
    }
}

fn push_inputs(out: &mut String, inputs: &[InputChange], style: Style) {
    let _ = writeln!(out, "{}", style.paint(Tone::Strong, "flake inputs"));
    if inputs.is_empty() {
        out.push_str("  none changed\n");
    }
    for input in inputs.iter().take(LIST_LIMIT) {
        let word = style.word(Tone::Quiet, input.word());
        let _ = writeln!(out, "  {word} {}: {}", short(&input.name), short(&input.to_string()));
    }
    push_rest(out, inputs.len());
    out.push('\n');
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Tone::Good,
            Verdict::Failed => Tone::Bad,
            Verdict::Broken => Tone::Unclear,
            Verdict::Skipped => Tone::Quiet,
        }
    }
}
