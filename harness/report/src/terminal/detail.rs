//! What a person needs to see when a check did not pass.

use record::event::{Case, Fate, Kill};
use record::text::{clip, line, visible};
use record::{Evidence, Verdict};

use super::style::{Style, Tone};
use crate::evidence::{commands, quoted};

/// The most that is printed of a journal or a console. The files of a report keep more.
const STREAM_LIMIT: usize = 16 * 1024;
const OUTPUT_LIMIT: usize = 4 * 1024;
const TEXT_LIMIT: usize = 4 * 1024;

/// The lines under a check that failed or broke, ending with how to see it again; nothing under any other.
pub fn detail(case: &Case, style: Style) -> String {
    let mut out = Block::default();
    let invariant = &case.invariant;
    let (violation, console) = match &case.verdict {
        Verdict::Passed | Verdict::Skipped { .. } => return String::new(),
        Verdict::Failed(violation) => (Some(violation), ""),
        // A console matters when a machine died, and only its end tells how.
        Verdict::Broken { .. } => (None, case.evidence.console.as_str()),
    };
    out.line(&style.paint(Tone::Strong, &line(&*invariant.statement)));
    out.line(&line(format!("{}: {}", invariant.level, invariant.source)));
    if let Some(violation) = violation {
        out.field("expected", &violation.expected);
        out.field("observed", &violation.observed);
    }
    if let Verdict::Broken { reason } = &case.verdict {
        out.field("reason", reason);
    }
    out.section("commands", &commands(&case.evidence, OUTPUT_LIMIT));
    out.section("journal since the check began", &quoted(&case.evidence.journal, "| ", STREAM_LIMIT));
    out.section("end of the console", &quoted(tail(console), "| ", STREAM_LIMIT));
    out.line(&format!("reproduce: {}", line(&case.reproduce)));
    out.0 + "\n"
}

/// The lines under a mutant that was not killed.
pub fn kill_detail(kill: &Kill) -> String {
    let mut out = Block::default();
    match &kill.fate {
        Fate::Killed { .. } => return String::new(),
        Fate::Survived => {
            out.line(&line(&*kill.invariant.statement));
            out.field("expected", "the check fails on a target that this mutant broke");
            out.field("observed", "the check passed");
        }
        Fate::Undecided { reason } => out.field("reason", reason),
    }
    let Evidence { journal, .. } = &kill.evidence;
    out.section("commands", &commands(&kill.evidence, OUTPUT_LIMIT));
    out.section("journal since the check began", &quoted(journal, "| ", STREAM_LIMIT));
    out.0 + "\n"
}

fn tail(console: &str) -> &str {
    const KEPT: usize = 4 * 1024;
    &console[console.ceil_char_boundary(console.len().saturating_sub(KEPT))..]
}

/// Indented text.
#[derive(Default)]
struct Block(String);

impl Block {
    fn line(&mut self, line: &str) {
        self.0.push_str("  ");
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn field(&mut self, name: &str, value: &str) {
        let value = visible(value);
        let value = clip(value.trim_end(), TEXT_LIMIT).replace('\n', "\n    ");
        self.line(&format!("{name}: {value}"));
    }

    fn section(&mut self, title: &str, lines: &str) {
        if lines.is_empty() {
            return;
        }
        self.line(&format!("{title}:"));
        for line in lines.lines() {
            self.line(&format!("  {line}"));
        }
    }
}
