//! One line for one event.

use record::event::{Case, Change, Event, Kill};
use record::{Cut, Laid, Verdict, text};

use super::style::{Style, Tone};
use crate::span::Span;

/// The most remarks on an overlay that are shown.
const REMARKS: usize = 20;

/// The line of an event, with its line feed. The end of a run has a summary instead.
pub fn line(event: &Event, style: Style) -> Option<String> {
    let line = match event {
        Event::Planned { target, machine: _, checks } => {
            let plural = if checks.len() == 1 { "check" } else { "checks" };
            let target = text::line(target);
            format!("{} {target}: {} {plural}", style.word(Tone::Strong, "target"), checks.len())
        }
        Event::Cut(Cut { shard, from }) => {
            quiet(style, "shard", &format!("{shard} of {} checks", from.len()))
        }
        Event::Preparing { what } => quiet(style, "began", what),
        Event::Prepared { what, took } => format!("{}  {}", quiet(style, "ready", what), Span(*took)),
        Event::Provisioned { step, change: Change::Applied } => quiet(style, "applied", step),
        Event::Provisioned { step, change: Change::AlreadyThere } => quiet(style, "present", step),
        Event::Noted { text } => quiet(style, "note", text),
        Event::CheckBegan { name, repetition } => quiet(style, "began", &numbered(name, *repetition)),
        Event::CheckEnded(case) => check(case, style),
        Event::MutantEnded(kill) => mutant(kill, style),
        Event::Laid(laid) => overlay(laid, style),
        Event::Overlaid { .. } | Event::Ended { .. } => return None,
    };
    Some(line + "\n")
}

fn quiet(style: Style, word: &str, rest: &str) -> String {
    format!("{} {}", style.word(Tone::Quiet, word), text::line(rest))
}

fn overlay(laid: &Laid, style: Style) -> String {
    let mut lines = vec![quiet(style, "overlay", &laid.to_string())];
    lines.extend(laid.remarks.iter().take(REMARKS).map(|remark| quiet(style, "note", remark)));
    let more = laid.remarks.len().saturating_sub(REMARKS);
    if more > 0 {
        lines.push(quiet(style, "note", &format!("{more} more such, which --json tells")));
    }
    lines.join("\n")
}

fn check(case: &Case, style: Style) -> String {
    let word = style.word(Tone::from(&case.verdict), case.verdict.word());
    let name = numbered(&text::line(case.invariant.name()), case.repetition);
    match &case.verdict {
        Verdict::Skipped { reason } => format!("{word} {name}  {}", text::line(reason)),
        _ => format!("{word} {name}  {}", Span(case.took)),
    }
}

fn mutant(kill: &Kill, style: Style) -> String {
    let word = style.word(Tone::from(&kill.fate), kill.fate.word());
    format!(
        "{word} {}, mutant {}  {}",
        text::line(kill.invariant.name()),
        text::line(&kill.mutant),
        Span(kill.took)
    )
}

/// The first repetition has no number, because most runs have no other.
fn numbered(name: &str, repetition: u32) -> String {
    if repetition > 1 { format!("{name}, repetition {repetition}") } else { name.to_owned() }
}
