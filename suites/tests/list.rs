//! What `assay list` shows.

use std::fs::File;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use insta::assert_snapshot;
use rstest::rstest;

#[rstest]
#[case::for_people("list", &["list"])]
#[case::for_programs("list_json", &["list", "omarchy", "--json"])]
fn every_check_is_listed(#[case] name: &str, #[case] arguments: &[&str]) {
    let output = assay(arguments, Stdio::piped());
    assert!(output.status.success());
    assert_snapshot!(name, String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let output = assay(&["list"], std::io::pipe().unwrap().1.into());
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn a_list_that_is_lost_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = assay(&["list"], full.into());
    assert_eq!(output.status.code(), Some(3));
    assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"
    assay: cannot write to standard output: No space left on device (os error 28)
    ");
}

/// The program, without the environment of whoever runs the tests.
fn assay(arguments: &[&str], stdout: Stdio) -> Output {
    let mut command = Command::new(cargo_bin("assay"));
    command.args(arguments).env_remove("ASSAY_HOME").env_remove("RUST_BACKTRACE");
    command.stdout(stdout).stderr(Stdio::piped()).output().unwrap()
}
