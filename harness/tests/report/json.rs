use harness::report::json::{Document, write, write_file};
use harness::report::{Run, status};

use crate::sample::{mixed, proof};

fn written(run: &Run) -> String {
    let mut out = Vec::new();
    write(&mut out, run).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn of_a_run() {
    insta::assert_snapshot!(written(&mixed()));
}

#[test]
fn of_a_proof() {
    insta::assert_snapshot!(written(&proof()));
}

#[test]
fn what_was_written_is_read_again() {
    for run in [mixed(), proof()] {
        let text = written(&run);
        let read: Document = serde_json::from_str(&text).unwrap();
        assert_eq!(read.status, status(&run));
        let mut again = serde_json::to_string_pretty(&read).unwrap();
        again.push('\n');
        assert_eq!(again, text);
    }
}

#[test]
fn the_file_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json");
    write_file(&path, &mixed()).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written(&mixed()));
}
