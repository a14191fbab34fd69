//! What became of every mutant, in a table.

use std::fmt::Write;

use record::event::{Fate, Kill};
use record::text;

use super::style::{Style, Tone};
use crate::Run;

/// The most of what was observed that stands in one row.
const OBSERVED_LIMIT: usize = 100;

/// One row per mutant in the order they were tried, and the counts.
pub fn kills(run: &Run, style: Style) -> String {
    let wide = |cell: fn(&Kill) -> String| {
        run.kills.iter().map(|kill| cell(kill).chars().count()).max().unwrap_or_default()
    };
    let (checks, mutants) = (wide(check), wide(mutant));
    let mut out = String::new();
    for kill in &run.kills {
        let word = style.paint(Tone::from(&kill.fate), &format!("{:<9}", kill.fate.word()));
        let row =
            format!("{word}  {:<checks$}  {:<mutants$}  {}", check(kill), mutant(kill), observed(&kill.fate));
        let _ = writeln!(out, "{}", row.trim_end());
    }
    let count = |word| run.kills.iter().filter(|kill| kill.fate.word() == word).count();
    let plural = if run.kills.len() == 1 { "mutant" } else { "mutants" };
    let _ = writeln!(
        out,
        "{} {plural}: {} killed, {} survived, {} undecided",
        run.kills.len(),
        count("killed"),
        count("survived"),
        count("undecided")
    );
    out
}

fn check(kill: &Kill) -> String {
    text::line(kill.invariant.name())
}

fn mutant(kill: &Kill) -> String {
    text::line(&kill.mutant)
}

fn observed(fate: &Fate) -> String {
    let observed = match fate {
        Fate::Killed { observed } => observed,
        Fate::Survived => "the check passed",
        Fate::Undecided { reason } => reason,
    };
    text::short(observed, OBSERVED_LIMIT)
}
