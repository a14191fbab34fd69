//! What a secret looks like, depending on who prints it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// One encoding of a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    pub text: Vec<u8>,
    pub spacing: Spacing,
    /// The characters that may stand before and after it and hold bits of the secret beside bits of its neighbours,
    /// as the first and the last in base64 do.
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

/// Whether white space belongs to an encoding or only arranges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    Counts,
    Free,
}

impl Form {
    fn new(text: impl Into<Vec<u8>>, spacing: Spacing) -> Form {
        Form { text: text.into(), spacing, before: Vec::new(), after: Vec::new() }
    }

    /// Whether this byte can stand at this place, counted from the first byte of the text.
    pub fn has(&self, byte: u8, place: isize) -> bool {
        let Ok(place) = usize::try_from(place) else { return place == -1 && self.before.contains(&byte) };
        match self.text.get(place) {
            Some(expected) => *expected == byte,
            None if place == self.text.len() => self.after.contains(&byte),
            // Base64 is filled up to a multiple of four characters.
            None => !self.after.is_empty() && place <= self.text.len() + 2 && byte == b'=',
        }
    }
}

/// Every encoding of a secret that is recognised, each once.
pub fn forms(secret: &[u8]) -> Vec<Form> {
    let mut forms = vec![Form::new(secret, Spacing::Counts)];
    forms.push(Form::new(secret.escape_ascii().to_string(), Spacing::Counts));
    forms.extend(utf16(secret.iter().copied().map(u16::from)));
    let text = String::from_utf8_lossy(secret);
    // Where hardly anything is left of a secret that is no text, there is nothing to recognise and to hide.
    let is_left = |character: &char| *character != char::REPLACEMENT_CHARACTER;
    let is_text = matches!(text, Cow::Borrowed(_));
    if is_text || text.chars().filter(is_left).map(char::len_utf8).sum::<usize>() >= super::SHORTEST {
        forms.extend(printed(&text).map(|text| Form::new(text, Spacing::Counts)));
        forms.extend(utf16(text.encode_utf16()));
    }
    forms.extend([b"0123456789abcdef", b"0123456789ABCDEF"].map(|digits| hexadecimal(secret, digits)));
    forms.push(decimal(secret));
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|shift| base64(secret, &engine, shift)));
    }
    let mut unique: Vec<Form> = Vec::new();
    for form in forms {
        if !unique.contains(&form) {
            unique.push(form);
        }
    }
    unique
}

/// As text, and as programs, shells, JSON and XML quote text.
fn printed(text: &str) -> impl Iterator<Item = String> {
    let debug = format!("{text:?}");
    let json = serde_json::Value::from(text).to_string();
    let within_quotes = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    let element = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let attribute = element.replace('"', "&quot;");
    [
        text.to_owned(),
        within_quotes(debug),
        within_quotes(json),
        text.replace('\'', r"'\''"),
        attribute.replace('\'', "&apos;"),
        attribute.replace('\'', "&#39;"),
        attribute,
        element,
    ]
    .into_iter()
}

fn utf16(units: impl Iterator<Item = u16> + Clone) -> [Form; 2] {
    let little: Vec<u8> = units.clone().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
    [little, big].map(|text| Form::new(text, Spacing::Counts))
}

fn hexadecimal(secret: &[u8], digits: &[u8; 16]) -> Form {
    let digit = |value: u8| digits[usize::from(value)];
    let text = secret.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    Form::new(text.collect::<Vec<_>>(), Spacing::Free)
}

/// Bytes as `{:?}` and JSON write them.
fn decimal(secret: &[u8]) -> Form {
    let mut text = String::new();
    for byte in secret {
        let separator = if text.is_empty() { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{byte}");
    }
    Form::new(text, Spacing::Free)
}

/// The characters that depend on the secret alone when it stands `shift` bytes after a multiple of three.
fn base64(secret: &[u8], engine: &GeneralPurpose, shift: usize) -> Form {
    let encoded = engine.encode([&[0; 2][..shift], secret].concat()).into_bytes();
    let end = shift + secret.len();
    let (first, last) = ((8 * shift).div_ceil(6), 8 * end / 6);
    let mut form = Form::new(&encoded[first..last], Spacing::Free);
    // Three bytes are four characters: one that is shared stands where its group has as many whole bytes before it.
    if shift > 0 {
        let group = |neighbour| [&[neighbour; 2][..shift], &secret[..3 - shift]].concat();
        form.before = any_neighbour(|neighbour| engine.encode(group(neighbour)).as_bytes()[shift]);
    }
    let rest = end % 3;
    if rest > 0 {
        let group = |neighbour| [&secret[secret.len() - rest..], &[neighbour]].concat();
        form.after = any_neighbour(|neighbour| engine.encode(group(neighbour)).as_bytes()[rest]);
    }
    form
}

/// What stands in a place that depends on the neighbour too.
fn any_neighbour(character: impl Fn(u8) -> u8) -> Vec<u8> {
    let characters: BTreeSet<u8> = (0..=u8::MAX).map(character).collect();
    characters.into_iter().collect()
}
