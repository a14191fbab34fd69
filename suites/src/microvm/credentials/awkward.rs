//! Values that something on the way might take for more than a value, or not take at all.

use harness::{Stop, Trial};

use super::chain::{Credential, Form, Order};

/// What separates, quotes or ends something on the way.
pub const SEPARATORS: [&[u8]; 12] = [
    b",",
    b",,",
    b",value=",
    b",io.systemd.credential:EVIL=1",
    b"]",
    b"[",
    b"\"",
    b"\n",
    b"\0",
    b"=",
    b"\\x41",
    b"\xff\xfe",
];

/// Longer than an argument may be (128 KiB), and longer than what systemd takes (1 MiB), in bytes.
pub const TOO_LONG: [(&str, usize); 2] = [("past-argument", 200_000), ("past-systemd", (1 << 20) + 1)];

/// One order of all that is awkward, so that one host sends it and one guest receives it for every check.
pub struct Awkward {
    pub given: Order,
    /// The same without what is too long.
    pub fitting: Order,
    /// The same with what is too long cut short, so that nothing is to be said of it.
    pub short: Order,
}

impl Awkward {
    /// Each separator inside a value and as one, every byte there is in both directions, and what is too long.
    pub fn order(trial: &Trial) -> Result<Awkward, Stop> {
        let inside = SEPARATORS.iter().map(|separator| [b"A", *separator, b"B"].concat());
        // One NUL alone means that there is no value.
        let alone = SEPARATORS.iter().map(|separator| separator.to_vec()).filter(|value| value != b"\0");
        let bytes = [(0..=u8::MAX).collect(), (0..=u8::MAX).rev().collect()];
        let mut given = numbered(trial, inside.chain(alone).chain(bytes).collect())?;
        given.form = Form::QemuValue.if_asked(trial)?;
        given.credentials.extend(TOO_LONG.map(|(name, length)| Credential::new(name, &vec![b'x'; length])));

        let mut fitting = given.clone();
        let lost = fitting.credentials.iter_mut().rev().take(TOO_LONG.len());
        lost.for_each(|credential| credential.there = false);
        let mut short = given.clone();
        let cut = short.credentials.iter_mut().rev().take(TOO_LONG.len());
        cut.for_each(|credential| credential.value.truncate(1));
        Ok(Awkward { given, fitting, short })
    }
}

/// These values and nothing else, each under a name with its number.
pub fn numbered(trial: &Trial, values: Vec<Vec<u8>>) -> Result<Order, Stop> {
    let named = values.iter().enumerate();
    let credentials = named.map(|(number, value)| Credential::new(&format!("value-{number}"), value));
    Order::of(trial, credentials.collect())
}
