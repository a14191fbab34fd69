//! Evidence as plain text, for the terminal and for JUnit alike.

use std::fmt::Write;

use record::text::{clip, line, visible};
use record::{Answer, Evidence, Exchange};

use super::span::Span;

/// The commands and their outputs, each stream held to `stream_limit` bytes.
pub fn commands(evidence: &Evidence, stream_limit: usize) -> String {
    let mut text = String::new();
    for exchange in &evidence.transcript {
        push_exchange(&mut text, exchange, stream_limit);
    }
    text
}

/// Marks every line as quoted, so that nothing a guest prints can pass for a line of ours.
pub fn quoted(raw: impl AsRef<[u8]>, mark: &str, limit: usize) -> String {
    let shown = visible(raw);
    let shown = shown.trim_end_matches('\n');
    if shown.is_empty() {
        return String::new();
    }
    clip(shown, limit).split('\n').map(|quote| format!("{mark}{quote}\n")).collect()
}

fn push_exchange(text: &mut String, exchange: &Exchange, limit: usize) {
    let action = visible(&exchange.action).replace('\n', "\n    ");
    let _ = writeln!(text, "[{}] {action}", line(&exchange.machine));
    let took = Span(exchange.took);
    match &exchange.answer {
        Answer::Ran(output) => {
            text.push_str(&quoted(&output.stdout, "  | ", limit));
            text.push_str(&quoted(&output.stderr, "  ! ", limit));
            let _ = writeln!(text, "  {}, {took}", output.status);
        }
        Answer::Done => {
            let _ = writeln!(text, "  done, {took}");
        }
        Answer::None(reason) => {
            let _ = writeln!(text, "  no answer: {}, {took}", line(reason));
        }
    }
}
