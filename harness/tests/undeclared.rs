//! Where nothing is secret, nothing is looked at: in a process of its own, because secrets are the process's.

use std::borrow::Cow;

use harness::event::Event;
use harness::secret;

#[test]
fn without_secrets_nothing_is_copied_or_held_back() {
    assert!(!secret::any_declared());
    let text = "any text at all";
    assert!(matches!(secret::hide(text), Cow::Borrowed(same) if std::ptr::eq(same, text)));
    let bytes = text.as_bytes();
    assert!(matches!(secret::hide_in_bytes(bytes), Cow::Borrowed(same) if std::ptr::eq(same, bytes)));
    let event = Event::Noted { text: text.into() };
    assert!(matches!(event.without_secrets(), Cow::Borrowed(same) if std::ptr::eq(same, &event)));

    let (mut stream, mut out) = (secret::Stream::default(), Vec::new());
    for byte in bytes {
        stream.push(&[*byte], &mut out);
        assert_eq!(out.last(), Some(byte));
    }
}
