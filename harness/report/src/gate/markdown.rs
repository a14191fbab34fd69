//! The summary of a gate as GitHub's Markdown.

use std::fmt::Write;

use super::flake::InputChange;
use super::text::{short, summary as counts, why};
use super::{Judgement, Kind};

/// The most rows of one list.
const ROW_LIMIT: usize = 200;
/// After so many bytes no row is added: GitHub refuses a summary of more than 1 MiB.
const SIZE_LIMIT: usize = 900 << 10;

/// Tables of everything but what is as before.
pub fn summary(judgement: &Judgement, inputs: Option<&[InputChange]>) -> String {
    let mut out = format!("## Gate: {}\n\n", escape(&counts(judgement)));
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Same) {
        let rows = judgement.of(kind).map(|finding| {
            let cells =
                [finding.word().to_owned(), short(&finding.name), why(finding), short(&finding.message)];
            cells.map(|cell| escape(&cell))
        });
        push_table(&mut out, kind.title(), ["Now", "Case", "Why", "Observed"], rows.collect());
    }
    if let Some(inputs) = inputs {
        let rows = inputs.iter().map(|input| {
            [input.word().to_owned(), short(&input.name), short(&input.to_string())].map(|cell| escape(&cell))
        });
        push_table(&mut out, "flake inputs", ["Change", "Input", "Revision"], rows.collect());
    }
    let notes: Vec<_> = judgement.notes.iter().map(|note| format!("- {}", escape(&short(note)))).collect();
    push_rows(&mut out, &notes);
    out
}

fn push_table<const COLUMNS: usize>(
    out: &mut String,
    title: &str,
    head: [&str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "### {title}\n\n| {} |\n|{}", head.join(" | "), "---|".repeat(COLUMNS));
    let rows: Vec<_> = rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    push_rows(out, &rows);
    out.push('\n');
}

fn push_rows(out: &mut String, rows: &[String]) {
    for (index, row) in rows.iter().enumerate() {
        if index == ROW_LIMIT || out.len() > SIZE_LIMIT {
            let _ = writeln!(out, "\nand {} more", rows.len() - index);
            return;
        }
        let _ = writeln!(out, "{row}");
    }
}

/// One line of text of which nothing is Markdown, HTML, a link or a mention. Any ASCII punctuation may be escaped
/// with a backslash (CommonMark, 2.4); what is left alone has no meaning inside a line.
fn escape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            ' ' | ',' | ';' | '(' | ')' | '%' | '/' | '=' | '-' | '+' | '\'' => out.push(character),
            _ if character.is_ascii_punctuation() => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}
