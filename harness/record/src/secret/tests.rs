use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// With these secrets instead of the process's.
fn filter(secret: &[u8]) -> Filter {
    let forms: Vec<_> = form::forms(secret).into_iter().map(Arc::new).collect();
    Filter::new(Arc::new(Set::new(&forms)))
}

fn in_pieces<'a>(filter: &Filter, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut filter, mut out) = (filter.clone(), Vec::new());
    for piece in pieces {
        filter.push(piece, &mut out);
    }
    filter.finish(&mut out);
    out
}

/// How others encode bytes: none of this is the code under test.
fn encodings(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex =
        |separator: &str| secret.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
    let list = |separator: &str| secret.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    let texts = [
        ("base64", STANDARD.encode(secret)),
        ("base64 without padding", STANDARD_NO_PAD.encode(secret)),
        ("base64 for URLs", URL_SAFE.encode(secret)),
        ("base64 for URLs without padding", URL_SAFE_NO_PAD.encode(secret)),
        ("hex", hex("")),
        ("upper-case hex", hex("").to_uppercase()),
        ("spaced hex", hex(" ")),
        ("Debug of bytes", list(", ")),
        ("JSON array", list(",")),
        ("escaped bytes", secret.escape_ascii().to_string()),
    ];
    let texts = texts.into_iter().map(|(name, text)| (name, text.into_bytes()));
    texts.chain([("plain", secret.to_vec())]).collect()
}

/// How others encode text.
fn text_encodings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let unquoted = |quoted: String| quoted.as_bytes()[1..quoted.len() - 1].to_vec();
    let xml = |apostrophe: &str| {
        let escape = |character| match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => apostrophe.to_owned(),
            other => other.to_string(),
        };
        secret.chars().map(escape).collect::<String>().into_bytes()
    };
    let mut encodings = encodings(secret.as_bytes());
    encodings.extend([
        ("UTF-16, little end first", secret.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16, big end first", secret.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("Debug", unquoted(format!("{secret:?}"))),
        ("JSON", unquoted(serde_json::to_string(secret).unwrap())),
        ("shell", unquoted(format!("'{}'", secret.replace('\'', r"'\''")))),
        ("XML", xml("&apos;")),
        ("XML by number", xml("&#39;")),
    ]);
    encodings
}

/// Any bytes that can be a secret.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), SHORTEST..120)
        .prop_filter("white space around it", |secret| secret.trim_ascii() == secret)
}

/// Any text that can be one, with what is quoted somewhere more often than chance would.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => any::<char>(),
        4 => proptest::char::range('!', '~'),
        2 => prop::sample::select(vec!['\'', '"', '\\', '&', '<', '>', '\n', '\r', '\t', '\0', '\u{1b}', '=', '+', '/']),
    ];
    let text = vec(character, SHORTEST..100).prop_map(String::from_iter);
    text.prop_filter("white space around it", |secret| secret.trim_ascii() == secret)
}

fn surroundings() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    // What is next to a secret in base64 could be part of it.
    let end = |mut bytes: Vec<u8>| {
        bytes.push(b'<');
        bytes
    };
    let begin = |bytes: Vec<u8>| [b">", bytes.as_slice()].concat();
    (vec(any::<u8>(), 0..200).prop_map(end), vec(any::<u8>(), 0..200).prop_map(begin))
}

/// What must be left when `encoded` is hidden.
fn without((before, after): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
    [before, HIDDEN.as_bytes(), after].concat()
}

fn around((before, after): &(Vec<u8>, Vec<u8>), encoded: &[u8]) -> Vec<u8> {
    [before, encoded, after].concat()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_are_hidden_in_every_encoding_and_nothing_else(secret in bytes(), around_it in surroundings()) {
        let filter = filter(&secret);
        for (name, encoded) in encodings(&secret) {
            let out = in_pieces(&filter, [around(&around_it, &encoded).as_slice()]);
            prop_assert_eq!(escaped(&out), escaped(&without(&around_it)), "{}", name);
        }
    }

    #[test]
    fn any_text_is_hidden_in_every_encoding_and_nothing_else(secret in text(), around_it in surroundings()) {
        let filter = filter(secret.as_bytes());
        for (name, encoded) in text_encodings(&secret) {
            let out = in_pieces(&filter, [around(&around_it, &encoded).as_slice()]);
            prop_assert_eq!(escaped(&out), escaped(&without(&around_it)), "{}", name);
        }
    }

    #[test]
    fn a_stream_is_the_same_in_any_pieces(
        secret in text(),
        around_it in surroundings(),
        sizes in vec(1usize..40, 1..20),
    ) {
        let filter = filter(secret.as_bytes());
        for (name, encoded) in text_encodings(&secret) {
            let stream = [around(&around_it, &encoded), encoded[..encoded.len() / 2].to_vec()].concat();
            let mut rest = stream.as_slice();
            let pieces = sizes.iter().cycle().map_while(|size| {
                let piece = rest.split_off(..(*size).min(rest.len()))?;
                (!piece.is_empty()).then_some(piece)
            });
            let pieces: Vec<&[u8]> = pieces.collect();
            prop_assert_eq!(pieces.concat(), stream.clone());
            let whole = filter.clone().whole(&stream);
            prop_assert_eq!(escaped(&in_pieces(&filter, pieces)), escaped(&whole), "{}", name);
        }
    }

    #[test]
    fn base64_of_something_longer_loses_just_the_characters_with_the_secret_in_them(
        secret in bytes(),
        before in vec(any::<u8>(), 0..40),
        after in vec(any::<u8>(), 1..40),
        for_urls in any::<bool>(),
    ) {
        let engine = if for_urls { URL_SAFE } else { STANDARD };
        let encoded = engine.encode([before.as_slice(), &secret, &after].concat());
        let (first, last) = (8 * before.len() / 6, (8 * (before.len() + secret.len())).div_ceil(6));
        let out = in_pieces(&filter(&secret), [encoded.as_bytes()]);
        let expected = format!("{}{HIDDEN}{}", &encoded[..first], &encoded[last..]);
        prop_assert_eq!(escaped(&out), expected);
    }

    #[test]
    fn base64_and_hex_may_be_wrapped(
        secret in bytes(),
        around_it in surroundings(),
        width in 1usize..80,
        end in prop::sample::select(vec!["\n", "\r\n", "\n    ", " "]),
    ) {
        let wrapped = |text: &[u8]| text.chunks(width).collect::<Vec<_>>().join(end.as_bytes());
        let filter = filter(&secret);
        for (name, encoded) in encodings(&secret).iter().take(6) {
            let out = in_pieces(&filter, [around(&around_it, &wrapped(encoded)).as_slice()]);
            prop_assert_eq!(escaped(&out), escaped(&without(&around_it)), "{}", name);
        }
    }

    #[test]
    fn a_piece_of_a_secret_is_hidden_too(
        secret in vec(any::<u8>(), 100..400),
        around_it in surroundings(),
        (begin, length) in (0.0..1.0, 0.0..1.0),
    ) {
        let part = |share: f64, whole: usize| (share * whole as f64) as usize;
        let secret = secret.trim_ascii();
        let filter = filter(secret);
        let spaced = |name: &str| name.contains("spaced") || name == "Debug of bytes";
        for (name, encoded) in encodings(secret).into_iter().filter(|(name, _)| !spaced(name)) {
            let length = PIECE + part(length, encoded.len() - PIECE);
            let begin = part(begin, encoded.len() - length);
            let (piece, rest) = encoded[begin..].split_at(length);
            // That would be a longer piece.
            prop_assume!(!encoded[..begin].ends_with(b"<") && !rest.starts_with(b">"));
            let out = in_pieces(&filter, [around(&around_it, piece).as_slice()]);
            prop_assert_eq!(escaped(&out), escaped(&without(&around_it)), "{}", name);
        }
    }

    #[test]
    fn who_cannot_wait_sees_no_more_than_three_characters(
        secret in text(),
        around_it in surroundings(),
        split in 0usize..50,
    ) {
        let fresh = filter(secret.as_bytes());
        for (name, encoded) in text_encodings(&secret) {
            let (mut filter, mut out) = (fresh.clone(), Vec::new());
            let (first, second) = encoded.split_at(split.min(encoded.len()));
            filter.push(&[&around_it.0, first].concat(), &mut out);
            filter.flush(&mut out);
            filter.push(&[second, &around_it.1].concat(), &mut out);
            filter.finish(&mut out);
            let is_spaced = name.contains("spaced") || name == "Debug of bytes";
            let characters = first.iter().filter(|byte| !is_spaced || **byte != b' ').count();
            // White space within it may be told as well.
            let out = escaped(&out).replace("[secret] [secret]", "[secret]");
            // A few characters are held back where they and what stands before them also begin another piece.
            let few = if characters < 4 { first } else { b"" };
            let left = [few, b""].map(|seen| around(&around_it, &[seen, HIDDEN.as_bytes()].concat()));
            prop_assert!(
                left.iter().any(|left| out == escaped(left)),
                "{} split at {}: {}", name, first.len(), out
            );
        }
    }
}

#[test]
fn a_secret_is_hidden_split_at_any_byte() {
    let secret = b"k3/J+x0\"'\\ \n\xc3\xa9<&>end";
    let filter = filter(secret);
    for (name, encoded) in encodings(secret) {
        let stream = [b"before <", encoded.as_slice(), b"> after"].concat();
        for split in 0..=stream.len() {
            let out = in_pieces(&filter, [&stream[..split], &stream[split..]]);
            assert_eq!(escaped(&out), "before <[secret]> after", "{name} split at {split}");
        }
    }
}

#[test]
fn text_with_the_sign_for_what_is_no_text_is_text() {
    let secret = "\u{fffd}0a aaA!";
    for (name, encoded) in text_encodings(secret) {
        assert_eq!(escaped(&filter(secret.as_bytes()).whole(&encoded)), "[secret]", "{name}");
    }
}

#[rstest]
#[case::next_to_each_other("hunter2-hunter2hunter2-hunter2", "[secret]")]
#[case::twice("hunter2-hunter2, hunter2-hunter2", "[secret], [secret]")]
#[case::of_all_but_the_end("hunter2-hunter", "hunter2-hunter")]
#[case::with_a_beginning_before_it("hunterhunter2-hunter2", "hunter[secret]")]
#[case::far_spread_hex("68 75 6e 74 65 72 32 2d 68 75 6e 74\n65 72 32", "[secret]")]
fn what_stands_there_instead(#[case] text: &str, #[case] hidden: &str) {
    assert_eq!(escaped(&filter(b"hunter2-hunter2").whole(text.as_bytes())), hidden);
}

#[test]
fn what_is_apart_is_not_one() {
    let hex = format!("68756e7465{}72322d68756e74657232", " ".repeat(100));
    assert_eq!(filter(b"hunter2-hunter2").whole(hex.as_bytes()), hex.as_bytes());
}

/// However long a stream is and whatever is in it, hardly anything of it is kept.
#[test]
fn an_endless_stream_does_not_fill_the_memory() {
    let secret = b"hunter2-hunter2";
    let (mut filter, mut out) = (filter(secret), Vec::new());
    for piece in [b"hunter2-hunter2".as_slice(), b" ", b"hunter2", b"\n\n\n\n", b"68756e746572"] {
        for _ in 0..20_000 {
            filter.push(piece, &mut out);
        }
        out.clear();
        filter.clone().finish(&mut out);
        assert!(out.len() < 8 << 10, "{} bytes of {}", out.len(), escaped(piece));
    }
}

#[test]
fn the_longest_credential_is_hidden() {
    let mut secret = vec![0; 1 << 20];
    blake3::Hasher::new().update(b"secret").finalize_xof().fill(&mut secret);
    let filter = filter(&secret);
    for encoded in [secret.clone(), STANDARD.encode(&secret).into_bytes()] {
        let stream = [b"<", encoded.as_slice(), b">"].concat();
        assert_eq!(escaped(&filter.clone().whole(&stream)), "<[secret]>");
    }
}

#[rstest]
#[case::empty(b"", "less than 8 bytes")]
#[case::a_word(b"hunter2", "less than 8 bytes")]
#[case::nothing_but_space(b"   hunter2 \n\n\n\n", "less than 8 bytes")]
#[case::longer_than_any_credential(&[b'x'; (2 << 20) + 1], "more than 2097152 bytes")]
fn what_cannot_be_hidden_is_refused_by_name(#[case] value: &[u8], #[case] reason: &str) {
    let refused = declare("api-key", value).unwrap_err().to_string();
    assert!(refused.starts_with("the secret \"api-key\" has ") && refused.contains(reason), "{refused}");
    assert!(value.is_empty() || !refused.contains("hunter2"), "{refused}");
}

#[test]
fn a_declared_secret_is_hidden_and_shows_its_name_only() {
    let secret = declare("db-password", b"correct horse battery\n").unwrap();
    assert_eq!((secret.name(), secret.value()), ("db-password", b"correct horse battery\n".as_slice()));
    assert_eq!(format!("{secret:?}"), "Secret(\"db-password\")");
    assert!(any_declared());
    assert_eq!(hide("it is correct horse battery!"), "it is [secret]!");
}

#[test]
fn a_secret_that_is_no_text_leaves_text() {
    declare("binary", b"\xa9 correct horse battery \xc3").unwrap();
    let shown = hide("(\u{e9} correct horse battery \u{e9})");
    assert_eq!(shown, "(\u{fffd}[secret]\u{fffd})");
}

#[test]
fn a_stream_hides_what_is_declared_meanwhile() {
    let (mut stream, mut out) = (Stream::default(), Vec::new());
    stream.push(b"before, ", &mut out);
    declare("late", b"declared-in-between").unwrap();
    stream.push(b"declared-in-", &mut out);
    stream.push(b"between, after", &mut out);
    stream.finish(&mut out);
    assert_eq!(escaped(&out), "before, [secret], after");
}
