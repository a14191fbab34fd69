//! What is read of each well-known producer.

use std::fmt::Write;
use std::path::Path;

use harness::junit::{Case, Report, read_file};
use insta::assert_snapshot;

fn told(producer: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/junit").join(producer);
    let Report { cases } = read_file(&file).unwrap();
    let mut text = String::new();
    for Case { class, name, verdict, message, flaky, took, entries, .. } in cases {
        let _ = write!(text, "{} {class} {name:?}", verdict.word());
        let _ = took.map(|took| write!(text, ", {took:?}"));
        let _ = flaky.map(|flaky| write!(text, ", {} of {}", flaky.passed, flaky.of));
        let _ = write!(text, "{}", if entries > 1 { format!(", {entries} entries") } else { String::new() });
        let _ = writeln!(text, "{}", if message.is_empty() { message } else { format!("\n  {message:?}") });
    }
    text
}

#[test]
fn nextest() {
    assert_snapshot!(told("nextest.xml"));
}

#[test]
fn pytest() {
    assert_snapshot!(told("pytest.xml"));
}

#[test]
fn surefire() {
    assert_snapshot!(told("surefire.xml"));
}

#[test]
fn jenkins_xunit() {
    assert_snapshot!(told("xunit.xml"));
}

#[test]
fn googletest() {
    assert_snapshot!(told("googletest.xml"));
}

#[test]
fn gotestsum() {
    assert_snapshot!(told("gotestsum.xml"));
}

#[test]
fn ctest() {
    assert_snapshot!(told("ctest.xml"));
}
