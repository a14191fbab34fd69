//! A report as UTF-8, however it is written.

use std::io::{self, BufRead, Chain, Cursor, Read};

/// The bytes that UTF-8 does not have in such places are taken for those of Windows-1252, of which ISO 8859-1 is a part: a
/// test may print anything into its report, and that must not keep the others from being read.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A source that is read as UTF-8.
pub struct Decoded<R> {
    source: Chain<Cursor<Vec<u8>>, R>,
    form: Form,
    text: String,
    /// How much of the text was read, in bytes.
    read: usize,
    /// The beginning of a character whose end was not read yet.
    begun: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Form {
    Utf8,
    /// Makes a number of two bytes.
    Utf16(fn([u8; 2]) -> u16),
}

impl<R: BufRead> Decoded<R> {
    /// Looks at the first bytes to see how the rest is written.
    pub fn new(mut source: R) -> io::Result<Self> {
        let mut head = Vec::new();
        source.by_ref().take(2).read_to_end(&mut head)?;
        let form = match head[..] {
            [0xfe, 0xff] | [0, b'<'] => Form::Utf16(u16::from_be_bytes),
            [0xff, 0xfe] | [b'<', 0] => Form::Utf16(u16::from_le_bytes),
            _ => Form::Utf8,
        };
        let source = Cursor::new(head).chain(source);
        Ok(Self { source, form, text: String::new(), read: 0, begun: Vec::new() })
    }

    /// Makes text of what there is.
    fn decode(&mut self, ended: bool) {
        let bytes = std::mem::take(&mut self.begun);
        match self.form {
            Form::Utf8 => {
                let mut chunks = bytes.utf8_chunks().peekable();
                while let Some(chunk) = chunks.next() {
                    self.text.push_str(chunk.valid());
                    let cut =
                        std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
                    if cut && chunks.peek().is_none() && !ended {
                        self.begun = chunk.invalid().to_owned();
                    } else {
                        self.text.extend(chunk.invalid().iter().map(|byte| windows_1252(*byte)));
                    }
                }
            }
            Form::Utf16(number) => {
                let mut whole = bytes.len() & !1;
                let high = |pair: &[u8]| (0xd800..0xdc00).contains(&number([pair[0], pair[1]]));
                if !ended && whole >= 2 && high(&bytes[whole - 2..whole]) {
                    whole -= 2;
                }
                let numbers = bytes[..whole].chunks_exact(2).map(|pair| number([pair[0], pair[1]]));
                let letters =
                    char::decode_utf16(numbers).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
                self.text.extend(letters);
                self.begun = bytes[whole..].to_owned();
            }
        }
    }
}

fn windows_1252(byte: u8) -> char {
    let special = byte.checked_sub(0x80).and_then(|place| WINDOWS_1252.get(usize::from(place)));
    special.copied().unwrap_or(char::from(byte))
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.read == self.text.len() {
            (self.read, _) = (0, self.text.clear());
            let bytes = self.source.fill_buf()?;
            let length = bytes.len();
            self.begun.extend_from_slice(bytes);
            self.source.consume(length);
            self.decode(length == 0);
            if length == 0 {
                break;
            }
        }
        Ok(&self.text.as_bytes()[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read = (self.read + amount).min(self.text.len());
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(out)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[rstest]
    #[case::utf_8("<é€🦀".as_bytes().to_vec(), "<é€🦀")]
    #[case::windows_1252(b"<caf\xe9 \x80".to_vec(), "<café €")]
    #[case::both("<é\u{20ac}".bytes().chain(*b"\xe9\xff").collect(), "<é€éÿ")]
    #[case::cut_off(b"<\xe2\x82".to_vec(), "<â‚")]
    #[case::utf_16_of_windows(utf_16("\u{feff}<é🦀", u16::to_le_bytes), "\u{feff}<é🦀")]
    #[case::utf_16_without_a_mark(utf_16("<é🦀", u16::to_be_bytes), "<é🦀")]
    #[case::half_a_letter(vec![0xff, 0xfe, b'<', 0, 0x3e, 0xd8], "\u{feff}<\u{fffd}")]
    #[case::nothing(vec![], "")]
    fn any_bytes_become_text(#[case] bytes: Vec<u8>, #[case] expected: &str) {
        for capacity in [1, 2, 3, 64] {
            let mut text = String::new();
            let source = io::BufReader::with_capacity(capacity, &bytes[..]);
            Decoded::new(source).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, expected, "{capacity} bytes at a time");
        }
    }
}
