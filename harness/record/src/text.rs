//! Makes text from a guest safe to show. A guest is untrusted: what it prints must not drive our terminal,
//! reorder a line, or break a file format.

use std::borrow::Cow;
use std::fmt::Write;

/// Text of several lines with everything invisible or active made visible.
///
/// Line feeds and tabs stay, and a carriage return before a line feed is dropped: consoles end their lines
/// so. Everything else that could act is replaced by how Rust would write it: an ASCII control character or
/// a byte that is not UTF-8 by `\x1b`, any other control character, bidirectional control, invisible
/// formatting character or noncharacter that XML forbids by `\u{202e}`. The result holds only characters
/// that XML 1.0 can hold. A backslash stays itself, so this shows what was there and cannot be undone.
pub fn visible(raw: impl AsRef<[u8]>) -> String {
    let raw = raw.as_ref();
    let mut shown = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        let mut rest = chunk.valid().chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '\n' | '\t' => shown.push(character),
                '\r' if rest.peek() == Some(&'\n') => {}
                _ => push(&mut shown, character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// The same for a place that has one line: line feeds, tabs and carriage returns are shown too.
pub fn line(raw: impl AsRef<[u8]>) -> String {
    let shown = visible(raw);
    shown.trim_end_matches('\n').replace('\n', "\\n").replace('\t', "\\t")
}

/// The same, and no longer than so many characters: what is left out is the end.
pub fn short(raw: impl AsRef<[u8]>, limit: usize) -> String {
    let shown = line(raw);
    match shown.char_indices().nth(limit) {
        Some((cut, _)) => format!("{}...", &shown[..cut]),
        None => shown,
    }
}

fn push(shown: &mut String, character: char) {
    match character {
        '\r' => shown.push_str("\\r"),
        '\0'..='\x1f' | '\x7f' => {
            let _ = write!(shown, "\\x{:02x}", u32::from(character));
        }
        _ if deceives(character) => shown.extend(character.escape_unicode()),
        _ => shown.push(character),
    }
}

/// Whether a character changes how others are shown, or hides, or is one that XML cannot hold. The joiners
/// U+200C and U+200D are left alone: ordinary words and emoji need them.
fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// Keeps the head and the tail of a text longer than `limit` bytes, with a line between them that says how
/// many bytes were left out. The beginning tells what happened, the end tells how it stopped.
pub fn clip(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let head = &text[..text.floor_char_boundary(limit / 2)];
    let tail = &text[text.ceil_char_boundary(text.len() - limit / 2)..];
    let left_out = text.len() - head.len() - tail.len();
    Cow::Owned(format!("{head}\n[... {left_out} bytes left out ...]\n{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::ordinary(b"a\tb\nc", "a\tb\nc")]
    #[case::colour(b"\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m")]
    #[case::title(b"\x1b]0;owned\x07", r"\x1b]0;owned\x07")]
    #[case::console_line(b"one\r\ntwo\r\n", "one\ntwo\n")]
    #[case::overwritten(b"failed\rpassed", r"failed\rpassed")]
    #[case::doubled(b"a\r\r\n", "a\\r\n")]
    #[case::c1("\u{9b}31m".as_bytes(), r"\u{9b}31m")]
    #[case::bidi("\u{202e}dessap".as_bytes(), r"\u{202e}dessap")]
    #[case::tags("\u{e0041}".as_bytes(), r"\u{e0041}")]
    #[case::nonchar("\u{ffff}".as_bytes(), r"\u{ffff}")]
    #[case::not_utf8(b"\xff\xfe ok", r"\xff\xfe ok")]
    #[case::joined("\u{1f468}\u{200d}\u{1f469}".as_bytes(), "\u{1f468}\u{200d}\u{1f469}")]
    fn shows(#[case] raw: &[u8], #[case] shown: &str) {
        assert_eq!(visible(raw), shown);
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line("a\nb\tc\r\n"), r"a\nb\tc");
    }

    #[test]
    fn clipping_keeps_both_ends_and_counts_the_rest() {
        let text = format!("head{}tail", "é".repeat(100));
        assert_eq!(clip(&text, 15), "headé\n[... 196 bytes left out ...]\nétail");
        assert_eq!(clip(&text, text.len()), text);
    }
}
