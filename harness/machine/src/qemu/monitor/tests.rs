//! A QEMU that is not what it should be.

use std::time::{Duration, Instant};

use record::MachineError;
use rstest::rstest;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{LIMIT, Monitor};

const GREETING: &str = "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},\
                        \"package\":\"\"},\"capabilities\":[]}}\n";
const DONE: &str = "{\"return\":{}}\n";

/// Greets, and answers each command with the next of these texts; then hangs up.
fn answering(answers: &'static [&'static str]) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().unwrap();
    tokio::spawn(async move {
        let mut theirs = BufReader::new(theirs);
        theirs.get_mut().write_all(GREETING.as_bytes()).await.unwrap();
        for answer in answers {
            theirs.read_line(&mut String::new()).await.unwrap();
            theirs.get_mut().write_all(answer.as_bytes()).await.unwrap();
        }
    });
    ours
}

#[rstest]
#[case::gone(&[DONE])]
#[case::no_json(&[DONE, "gibberish\n"])]
#[case::half_an_answer(&[DONE, "{\"return\":"])]
#[case::another_question(&[DONE, "{\"return\":{},\"id\":99}\n"])]
#[case::refusal(&[DONE, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}\n"])]
#[tokio::test]
async fn nonsense_is_an_error_at_once(#[case] answers: &'static [&'static str]) {
    let monitor = Monitor::open("machine", answering(answers)).await.unwrap();
    let asked = Instant::now();
    let error = monitor.resume().await.unwrap_err();
    assert!(matches!(error, MachineError::Refused { .. }), "{error}");
    assert!(asked.elapsed() < LIMIT / 2, "only the limit ended it: {error}");
}

#[rstest]
#[case::gone(&[])]
#[case::no_json(&["gibberish\n"])]
#[tokio::test]
async fn a_monitor_that_cannot_be_opened_is_refused(#[case] answers: &'static [&'static str]) {
    let opened = Monitor::open("machine", answering(answers)).await;
    assert!(matches!(opened, Err(MachineError::Refused { .. })));
}

#[tokio::test]
async fn a_silent_qemu_is_not_waited_for_without_end() {
    let (ours, _silent) = UnixStream::pair().unwrap();
    let opened = Monitor::open_within("machine", ours, Duration::from_millis(20)).await;
    assert!(matches!(opened, Err(MachineError::Never { .. })));
}
