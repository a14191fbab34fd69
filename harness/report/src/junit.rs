//! The JUnit file, for CI systems and the gate.
//!
//! One suite per family, named `TARGET.FAMILY`; one case per invariant, named by its id, with the class name
//! `TARGET.FAMILY`; `ID@VARIANT` where it is decided separately on several variants of the target. An invariant stays one case when it was checked several times, because a CI system
//! compares runs, and a gate decides, by name: the case has the worst verdict, the time of all repetitions,
//! and lists each of them in its output, after how often it passed. When that begins with `flaky:`, the verdict
//! was not always the same. A check that was planned and never ended is an error, not absent.
//!
//! A shard says in the output of its suites which it is, and a run with overlays which files those laid, because
//! `junit-report` writes no properties.
//!
//! The file keeps to the schema of Jenkins' xUnit plugin. Guest text is shown as [`super::text::visible`]
//! shows it, and held to [`STREAM_LIMIT`] bytes in each place. There is no `skipped` count on a suite, which
//! `junit-report` cannot write and the schema does not ask for: readers count the elements.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use junit_report::{OffsetDateTime, Report, TestCase, TestResult, TestSuite};
use record::text::{clip, line, visible};
use record::{Cut, Verdict};

use super::evidence::{commands, quoted};
use super::span::Span;
use super::{Decision, FileError, Run, write_atomically};

/// The most that is kept of a journal, a console, or all commands of one case.
pub const STREAM_LIMIT: usize = 256 * 1024;
/// The most that is kept of one output of one command, so that a talkative one cannot displace the others.
pub const OUTPUT_LIMIT: usize = 32 * 1024;
/// The most of a text that stands in an attribute, where CI systems show it in one line of a table.
const MESSAGE_LIMIT: usize = 1024;

pub fn write_file(path: &Path, run: &Run) -> Result<(), FileError> {
    write_atomically(path, |out| write(out, run))
}

pub fn write(out: &mut dyn io::Write, run: &Run) -> io::Result<()> {
    let mut report = Report::new();
    report.add_testsuites(suites(run));
    report.write_xml(out).map_err(io::Error::other)
}

fn suites(run: &Run) -> Vec<TestSuite> {
    let mut suites: Vec<TestSuite> = Vec::new();
    for decision in run.decisions() {
        let name = class(&decision);
        let case = case(&decision, &name);
        match suites.iter_mut().find(|suite| suite.name == name) {
            Some(suite) => suite.add_testcase(case),
            None => {
                let mut suite = TestSuite::new(&name);
                suite.package = line(decision.target);
                // `hostname` stays `localhost`: which machine ran the harness says nothing of the target.
                suite.set_timestamp(timestamp(run.started));
                if let Some(told) = how_it_was_run(run) {
                    suite.set_system_out(&cdata(&clip(&told, STREAM_LIMIT)));
                }
                suite.add_testcase(case);
                suites.push(suite);
            }
        }
    }
    suites
}

/// Which shard it is, and which files lay over the target.
fn how_it_was_run(run: &Run) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    if let Some(Cut { shard, from }) = &run.cut {
        lines.push(format!("shard {shard} of {} checks", from.len()));
    }
    for laid in &run.laid {
        lines.push(format!("overlay {}", line(laid.to_string())));
        lines.extend(laid.files.iter().map(|file| format!("{}: {}", file.effect, line(&file.path))));
        lines.extend(laid.remarks.iter().map(line));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn class(decision: &Decision) -> String {
    line(format!("{}.{}", decision.target, decision.invariant.family()))
}

fn case(decision: &Decision, class: &str) -> TestCase {
    let mut case = TestCase::success(&line(decision.invariant.name()), milliseconds(decision.took()));
    case.set_classname(class);
    case.result = result(decision);
    case.set_system_out(&cdata(&system_out(decision)));
    case
}

fn result(decision: &Decision) -> TestResult {
    let Some(worst) = decision.worst() else {
        return error("not decided: the run ended before this check did");
    };
    match &worst.verdict {
        Verdict::Passed => TestResult::Success,
        Verdict::Failed(violation) => TestResult::Failure {
            // Where others name an exception: how firmly the documents promise what was violated.
            type_: decision.invariant.level.to_string(),
            message: message(&format!("expected: {}; observed: {}", violation.expected, violation.observed)),
            cause: Some(cdata(&format!(
                "expected: {}\nobserved: {}",
                bounded(&violation.expected),
                bounded(&violation.observed)
            ))),
        },
        Verdict::Broken { reason } => error(reason),
        Verdict::Skipped { reason } => TestResult::SkippedWithCause {
            type_: "skipped".into(),
            message: message(reason),
            cause: Some(cdata(&bounded(reason))),
        },
    }
}

fn error(reason: &str) -> TestResult {
    TestResult::Error {
        type_: "broken".into(),
        message: message(reason),
        cause: Some(cdata(&bounded(reason))),
    }
}

fn system_out(decision: &Decision) -> String {
    let invariant = decision.invariant;
    let mut out = String::new();
    if let Some(rate) = decision.rate() {
        let _ = writeln!(out, "{rate}");
    }
    let source = line(invariant.source.to_string());
    let _ = writeln!(out, "{}\n{}: {source}", line(&*invariant.statement), invariant.level);
    let Some(worst) = decision.worst() else { return out };
    let _ = writeln!(out, "reproduce: {}", line(&worst.reproduce));
    if decision.cases.len() > 1 {
        for case in &decision.cases {
            let _ =
                writeln!(out, "repetition {}: {}, {}", case.repetition, case.verdict.word(), Span(case.took));
        }
        let _ = writeln!(out, "below is what was seen in repetition {}", worst.repetition);
    }
    let transcript = commands(&worst.evidence, OUTPUT_LIMIT);
    for (title, section) in [
        ("commands", clip(&transcript, STREAM_LIMIT).into_owned()),
        ("journal since the check began", quoted(&worst.evidence.journal, "| ", STREAM_LIMIT)),
        ("console", quoted(&worst.evidence.console, "| ", STREAM_LIMIT)),
    ] {
        if !section.is_empty() {
            let _ = write!(out, "\n{title}:\n{section}");
        }
    }
    out
}

fn message(text: &str) -> String {
    // Attributes lose their line breaks in every parser, so they are shown.
    line(&*clip(&line(text), MESSAGE_LIMIT))
}

fn bounded(text: &str) -> String {
    clip(&visible(text), STREAM_LIMIT).into_owned()
}

/// Text that `junit-report` may put between `<![CDATA[` and `]]>` as it is: that crate does not look for the end
/// mark inside, so a guest could close the section and write elements of its own.
fn cdata(text: &str) -> String {
    text.replace("]]>", "]]]]><![CDATA[>")
}

/// The schema allows three decimals; `junit-report` writes as many as there are.
fn milliseconds(duration: Duration) -> junit_report::Duration {
    junit_report::Duration::milliseconds(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// Whole seconds, because several readers do not know fractions. `junit-report` would take the time at which
/// the report is written, and panics on a year that RFC 3339 cannot hold.
fn timestamp(time: SystemTime) -> OffsetDateTime {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .filter(|time| time.year() <= 9999)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
