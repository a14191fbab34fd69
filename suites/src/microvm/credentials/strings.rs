//! What systemd makes of OEM strings, and whether it is what was ordered.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use harness::{Outcome, expect};

use super::chain::Order;

/// How many faults go into one sentence.
const TOLD: usize = 6;

const PLAIN: &[u8] = b"io.systemd.credential:";
const BINARY: &[u8] = b"io.systemd.credential.binary:";

/// The name and the value of the credential in a string, if there is one (`systemd(1)`, `io.systemd.credential`).
pub fn credential(string: &[u8]) -> Option<(String, Vec<u8>)> {
    let (rest, binary) = match (string.strip_prefix(PLAIN), string.strip_prefix(BINARY)) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return None,
    };
    let equals = rest.iter().position(|byte| *byte == b'=')?;
    let name = String::from_utf8(rest[..equals].to_vec()).ok().filter(|name| !name.is_empty())?;
    let value = &rest[equals + 1..];
    if !binary {
        return Some((name, value.to_vec()));
    }
    let text: Vec<u8> = value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Some((name, BASE64_STANDARD.decode(text).ok()?))
}

/// The strings carry each credential of an order once, with its value, and none that is not there. What else they
/// carry, and in which order, is theirs.
pub fn carry(order: &Order, strings: &[Vec<u8>]) -> Outcome {
    let mut carried: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, value) in strings.iter().filter_map(|string| credential(string)) {
        carried.entry(name).or_default().push(value);
    }
    let mut faults = Vec::new();
    for (name, value) in order.delivered() {
        match carried.get(&name).map_or(&[][..], Vec::as_slice) {
            [] => faults.push(format!("{name} is not among them")),
            [one] if *one == value => {}
            [one] => faults.push(format!(
                "{name} has {} other bytes than the {} it was given",
                one.len(),
                value.len()
            )),
            more => faults.push(format!("{name} is there {} times", more.len())),
        }
    }
    let missing = order.credentials.iter().filter(|credential| !credential.there);
    for name in missing.map(|credential| order.sent_as(&credential.name)) {
        if carried.contains_key(&name) {
            faults.push(format!("{name} is there, which the host does not have"));
        }
    }
    let names: Vec<String> = order.delivered().into_iter().map(|(name, _)| name).collect();
    let expected = format!("the OEM strings carry each credential once, with its value: {}", some(&names));
    expect(faults.is_empty(), expected, format!("{}; all there is: {}", some(&faults), some(&shown(strings))))
}

/// What strings are about, whatever their values: credentials, and the rest as it is, which is nothing's value.
pub fn subjects(strings: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut subjects: Vec<Vec<u8>> = strings
        .iter()
        .map(|string| match credential(string) {
            Some((name, _)) => name.into_bytes(),
            None => string.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec(),
        })
        .collect();
    subjects.sort();
    subjects
}

/// Strings without their values, which may be secret.
pub fn shown(strings: &[Vec<u8>]) -> Vec<String> {
    let shown = strings.iter().map(|string| match credential(string) {
        Some((name, value)) => format!("{}=<{} bytes>", name.escape_debug(), value.len()),
        None => format!("<{} bytes that are no credential>", string.len()),
    });
    shown.collect()
}

/// The first few of many.
pub fn some(items: &[String]) -> String {
    let told = items.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    match items.len() {
        0 => "nothing".into(),
        count if count > TOLD => format!("{told} and {} more", count - TOLD),
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Convention;
    use harness::{Stop, Violation};

    use super::super::chain::{Credential, Form};
    use super::*;

    fn observed(strings: &[&str]) -> Option<String> {
        let mut missing = Credential::new("jwt-secret", b"z");
        missing.there = false;
        let order = Order {
            form: Form::Configured,
            convention: Convention::Plain,
            credentials: vec![Credential::new("api-key", b"x,y"), missing],
            fixed: vec![("CLUSTER".into(), "c".into())],
        };
        let strings: Vec<Vec<u8>> = strings.iter().map(|string| string.as_bytes().to_vec()).collect();
        match carry(&order, &strings) {
            Ok(()) => None,
            Err(Stop::Violated(Violation { observed, .. })) => Some(observed),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_order_any_encoding_and_strings_beside_are_right() {
        let fixed = "io.systemd.credential:CLUSTER=c";
        let socket = "io.systemd.credential:vmm.notify_socket=vsock-stream:2:8888";
        assert_eq!(observed(&["io.systemd.credential:API_KEY=x,y", fixed]), None);
        assert_eq!(
            observed(&[fixed, "", socket, "other", "io.systemd.credential.binary:API_KEY=eCx5"]),
            None
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        let (fixed, key) = ("io.systemd.credential:CLUSTER=c", "io.systemd.credential:API_KEY=x,y");
        let told = |strings: &[&str], part: &str| {
            let observed = observed(strings).unwrap();
            assert!(observed.contains(part), "{observed}");
        };
        told(&[fixed], "API_KEY is not among them");
        told(&[fixed, key, key], "API_KEY is there 2 times");
        told(
            &[fixed, "io.systemd.credential:API_KEY=x", "y"],
            "API_KEY has 1 other bytes than the 3 it was given",
        );
        told(
            &[fixed, key, "io.systemd.credential:JWT_SECRET="],
            "JWT_SECRET is there, which the host does not have",
        );
        told(&[], "all there is: nothing");
    }

    #[test]
    fn no_value_is_shown() {
        let observed = observed(&["io.systemd.credential:API_KEY=secret", "secret,more"]).unwrap();
        assert!(!observed.contains("secret"), "{observed}");
    }
}
