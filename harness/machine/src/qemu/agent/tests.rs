//! An agent that a hostile guest has replaced.

use std::time::{Duration, Instant};

use record::{MachineError, Status};
use rstest::rstest;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{Agent, Ends, FIRST_PAUSE};
use crate::qemu::bounded::LINE_LIMIT;

const SOON: Duration = Duration::from_secs(5);

const STARTED: &str = "{\"return\":{\"pid\":7}}\n";

/// An agent whose commands never say that they end.
fn agent(stream: UnixStream) -> Agent {
    let (silent, _) = UnixStream::pair().unwrap();
    Agent::open("machine", stream, Ends::listen(silent))
}

/// An agent that answers each question with the next of these texts. After a text that breaks off it hangs up.
fn answering(answers: &'static [&'static str]) -> Agent {
    agent(answers_to(answers))
}

fn answers_to(answers: &'static [&'static str]) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().unwrap();
    tokio::spawn(async move {
        let mut theirs = BufReader::new(theirs);
        for answer in answers {
            theirs.read_line(&mut String::new()).await.unwrap();
            theirs.get_mut().write_all(answer.as_bytes()).await.unwrap();
            if !answer.ends_with('\n') {
                return;
            }
        }
        let _ = theirs.read_line(&mut String::new()).await;
    });
    ours
}

async fn why_not(agent: &Agent) -> String {
    let asked = Instant::now();
    let error = agent.run("true", b"", SOON).await.unwrap_err();
    assert!(asked.elapsed() < SOON, "only the limit ended it: {error}");
    error.to_string()
}

#[tokio::test]
async fn a_command_that_ends_is_told_with_its_output() {
    let end = "{\"return\":{\"exited\":true,\"exitcode\":3,\"out-data\":\"aGk=\"}}\n";
    let agent = answering(Box::leak(Box::new([STARTED, end])));
    let output = agent.run("true", b"", SOON).await.unwrap();
    assert_eq!((output.status, output.text().as_str()), (Status::Exit(3), "hi"));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_says_that_it_ends_is_asked_about_then() {
    let (ends, mut shell) = UnixStream::pair().unwrap();
    let end = "{\"return\":{\"exited\":true,\"exitcode\":0}}\n";
    let answers = answers_to(Box::leak(Box::new([STARTED, "{\"return\":{\"exited\":false}}\n", end])));
    let agent = Agent::open("machine", answers, Ends::listen(ends));
    let began = tokio::time::Instant::now();
    let (output, said) = tokio::join!(agent.run("true", b"", SOON), async {
        tokio::time::sleep(FIRST_PAUSE / 5).await;
        shell.write_all(b"\n").await
    });
    said.unwrap();
    assert_eq!(output.unwrap().status, Status::Exit(0));
    assert!(began.elapsed() < FIRST_PAUSE, "it was asked about after {:?}", began.elapsed());
}

#[rstest]
#[case::gone(&[""], "it has hung up")]
#[case::no_json(&["\u{1b}[2J]]>\n"], "expected value at line 1 column 1")]
#[case::half_an_answer(&["{\"return\":{\"pid\""], "EOF while parsing")]
#[case::another_question(&["{\"return\":{\"pid\":7},\"id\":1}\n"], "expected response without ID")]
#[case::another_kind(&["{\"return\":[]}\n"], "invalid length 0")]
#[case::refusal(&["{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}\n"], "no")]
#[case::twice(&["{\"return\":{\"pid\":7}}\n{\"return\":{\"pid\":8}}\n", ""], "unknown QAPI response")]
#[case::no_status(&[STARTED, "{\"return\":{\"exited\":true}}\n"], "it makes no sense")]
#[case::huge_status(&[STARTED, "{\"return\":{\"exited\":true,\"exitcode\":4294967296}}\n"], "it makes no sense")]
#[case::no_base64(&[STARTED, "{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"*\"}}\n"], "nvalid")]
#[case::cut(
    &[STARTED, "{\"return\":{\"exited\":true,\"exitcode\":0,\"out-truncated\":true}}\n"],
    "more than 16 MiB"
)]
#[tokio::test]
async fn nonsense_is_an_error_at_once(#[case] answers: &'static [&'static str], #[case] reason: &str) {
    let agent = answering(answers);
    let told = why_not(&agent).await;
    assert!(told.starts_with("machine: cannot have the guest agent "), "{told}");
    assert!(told.contains(reason), "{told}");
}

#[tokio::test]
async fn a_line_without_end_is_refused() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let flood = tokio::spawn(async move {
        let mut sent = 0;
        while theirs.write_all(&[b'x'; 1 << 20]).await.is_ok() {
            sent += 1 << 20;
        }
        sent
    });
    let agent = agent(ours);
    let error = agent.run("true", b"", Duration::from_secs(60)).await.unwrap_err().to_string();
    assert!(error.ends_with("a line of more than 50331648 bytes came from the guest"), "{error}");
    // Nobody asks any more, so nobody reads any more.
    drop(agent);
    assert!(flood.await.unwrap() < 2 * LINE_LIMIT);
}

#[tokio::test]
async fn silence_ends_with_the_limit() {
    let (ours, _silent) = UnixStream::pair().unwrap();
    let agent = agent(ours);
    let error = agent.answers(Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(error, MachineError::Never { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn much_input_takes_its_time_and_is_told() {
    let (ours, _silent) = UnixStream::pair().unwrap();
    let agent = agent(ours);
    let error = agent.run("cat", &[b'x'; 1_000_000], SOON).await.unwrap_err().to_string();
    let told =
        "waited 35 s for the guest agent to start a command with 1000000 bytes to read, which never happened";
    assert!(error.ends_with(told), "{error}");
}

#[tokio::test]
async fn an_echo_of_another_question_is_refused() {
    let agent = answering(&["{\"return\":0}\n"]);
    let error = agent.answers(SOON).await.unwrap_err().to_string();
    assert!(error.ends_with("the answer is not to our question"), "{error}");
}

#[tokio::test]
async fn what_was_lost_is_told_to_the_next_who_asks() {
    let agent = answering(&["nonsense\n"]);
    let first = why_not(&agent).await;
    assert_eq!(why_not(&agent).await, first);
}
