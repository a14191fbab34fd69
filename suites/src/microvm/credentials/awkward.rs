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
const TOO_LONG: [(&str, usize); 2] = [("past-argument", 200_000), ("past-systemd", (1 << 20) + 1)];

/// An order of what is awkward, so that one host sends it and one guest receives it for every check.
pub struct Awkward {
    pub given: Order,
    /// The same without what is too long.
    pub fitting: Order,
    /// The same with what is too long cut short, so that nothing is to be said of it.
    pub short: Order,
}

impl Awkward {
    /// Each separator inside a value and as one, every byte there is in both directions, and what is too long: in one
    /// order, if the runner can be asked for more than its own secrets.
    pub async fn orders(trial: &Trial) -> Result<Vec<Awkward>, Stop> {
        let inside = SEPARATORS.iter().map(|separator| [b"A", *separator, b"B"].concat());
        // One NUL alone means that there is no value.
        let alone = SEPARATORS.iter().map(|separator| separator.to_vec()).filter(|value| value != b"\0");
        let bytes = [(0..=u8::MAX).collect(), (0..=u8::MAX).rev().collect()];
        let mut credentials = numbered(inside.chain(alone).chain(bytes).collect());
        credentials.extend(TOO_LONG.map(|(name, length)| Credential::new(name, &vec![b'x'; length])));
        let orders = Order::each(trial, Form::QemuValue.if_asked(trial)?, credentials).await?;
        Ok(orders.into_iter().map(Awkward::of).collect())
    }

    fn of(given: Order) -> Awkward {
        let (mut fitting, mut short) = (given.clone(), given.clone());
        fitting.credentials.iter_mut().filter(|one| is_too_long(one)).for_each(|one| one.there = false);
        short.credentials.iter_mut().filter(|one| is_too_long(one)).for_each(|one| one.value.truncate(1));
        Awkward { given, fitting, short }
    }

    /// The names of what is too long.
    pub fn too_long(&self) -> impl Iterator<Item = &str> {
        self.given.credentials.iter().filter(|one| is_too_long(one)).map(|one| one.name.as_str())
    }
}

fn is_too_long(credential: &Credential) -> bool {
    TOO_LONG.iter().any(|(_, length)| credential.value.len() == *length)
}

/// These values, each under a name with its number.
pub fn numbered(values: Vec<Vec<u8>>) -> Vec<Credential> {
    let named = values.iter().enumerate();
    named.map(|(number, value)| Credential::new(&format!("value-{number}"), value)).collect()
}
