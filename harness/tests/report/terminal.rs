use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::event::{Case, Change, Event, Fate, Kill, Listener};
use harness::report::terminal::{Status, Style, Terminal, summary};
use harness::report::{Purpose, Run};
use harness::{Cut, Invariant, MachineKind, Verdict};

use crate::sample::{
    CARD, LATE, LOST, REGISTERED, broken, case, evidence, failed, kill, mixed, proof, run, skipped,
};

const PLAIN: Style = Style { colour: false };

/// A stream that can be read after it was given away.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn heard(purpose: Purpose, events: &[Event]) -> String {
    let paper = Paper::default();
    let terminal = Terminal::plain(Box::new(paper.clone()), purpose);
    for event in events {
        terminal.hear(event);
    }
    paper.text()
}

fn planned(checks: &[Invariant]) -> Event {
    Event::Planned { target: "omarchy".into(), machine: MachineKind::Vm, checks: checks.to_vec() }
}

fn checked(case: Case) -> Event {
    Event::CheckEnded(Box::new(case))
}

fn tried(kill: Kill) -> Event {
    Event::MutantEnded(Box::new(kill))
}

fn ended() -> Event {
    Event::Ended { took: Duration::from_secs(125), interrupted: false }
}

#[test]
fn a_shard() {
    let from = [REGISTERED, LATE, LOST].map(|invariant| invariant.name()).to_vec();
    let cut = Event::Cut(Cut { shard: "1/2".parse().unwrap(), from });
    let laid = Event::Overlaid { digest: "d1ge57".into() };
    insta::assert_snapshot!(heard(Purpose::Run, &[planned(&[REGISTERED]), cut, laid]), @"
    target  omarchy: 1 check
    shard   1/2 of 3 checks
    ");
}

#[test]
fn a_run() {
    let what = || "booting omarchy".to_owned();
    let mut red = case(REGISTERED, failed());
    let mut dead = case(LATE, broken());
    (red.evidence, dead.evidence) = (evidence(), evidence());
    let mut again = case(LOST, Verdict::Passed);
    again.repetition = 2;
    let told = heard(
        Purpose::Run,
        &[
            Event::Preparing { what: what() },
            Event::Prepared { what: what(), took: Duration::from_millis(29_040) },
            Event::Provisioned { step: "rosetta".into(), change: Change::Applied },
            Event::Provisioned { step: "nix".into(), change: Change::AlreadyThere },
            Event::Noted { text: "no KVM here:\n\x1b[2Jemulating".into() },
            planned(&[REGISTERED, LATE, LOST, CARD]),
            Event::CheckBegan { name: REGISTERED.name(), repetition: 1 },
            checked(red),
            checked(dead),
            checked(case(LOST, Verdict::Passed)),
            Event::CheckBegan { name: LOST.name(), repetition: 2 },
            checked(again),
            checked(case(CARD, skipped())),
            ended(),
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn a_proof() {
    let mut survivor = kill(REGISTERED, "disabled", Fate::Survived);
    survivor.evidence = evidence();
    let told = heard(
        Purpose::Prove,
        &[
            planned(&[REGISTERED, LATE]),
            checked(case(REGISTERED, Verdict::Passed)),
            tried(kill(REGISTERED, "no-fix-binary", Fate::Killed { observed: "the flags POC".into() })),
            tried(survivor),
            tried(kill(LATE, "no-timer", Fate::Undecided { reason: "no answer".into() })),
            ended(),
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn the_summary_of_a_run() {
    insta::assert_snapshot!(summary(&mixed(), PLAIN));
}

#[test]
fn the_summary_of_a_proof() {
    insta::assert_snapshot!(summary(&proof(), PLAIN));
}

#[test]
fn the_summary_of_an_interrupted_run() {
    let mut run = mixed();
    run.cases.truncate(1);
    run.interrupted = true;
    insta::assert_snapshot!(summary(&run, PLAIN));
}

#[test]
fn the_summary_of_nothing() {
    let mut run = Run::new(Purpose::Run);
    (run.target, run.interrupted) = ("omarchy".into(), false);
    insta::assert_snapshot!(summary(&run, PLAIN));
}

#[test]
fn the_summary_of_a_check_that_passes_sometimes() {
    let mut run = mixed();
    let mut again = case(REGISTERED, Verdict::Passed);
    again.repetition = 2;
    run.cases.push(again);
    insta::assert_snapshot!(summary(&run, PLAIN));
}

#[test]
fn the_summary_of_repetitions_tells_how_sure_they_are() {
    let again = |repetition| Case { repetition, ..case(LATE, Verdict::Passed) };
    let run = run(Purpose::Run, &[LATE], (1..=20).map(again).collect(), vec![]);
    insta::assert_snapshot!(summary(&run, PLAIN), @"
    passed  mount.late, 20 of 20 passed, 83.9 to 100.0 % with 95 % confidence
    omarchy: 1 passed, 2 min 05 s
    ");
}

#[test]
fn colour_changes_no_word() {
    let coloured = summary(&proof(), Style { colour: true });
    assert!(coloured.contains("\x1b[1;31msurvived"));
    let mut plain = coloured;
    for code in ["\x1b[1;31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, summary(&proof(), PLAIN));
}

#[test]
fn the_status_line() {
    let mut status = Status::default();
    let mut lines = vec![status.to_string()];
    for event in [
        Event::Preparing { what: "building the image".into() },
        planned(&[REGISTERED, LATE]),
        Event::Prepared { what: "building the image".into(), took: Duration::ZERO },
        Event::CheckBegan { name: REGISTERED.name(), repetition: 1 },
        Event::CheckBegan { name: LATE.name(), repetition: 1 },
        checked(case(REGISTERED, Verdict::Passed)),
        checked(case(LATE, Verdict::Passed)),
    ] {
        status.hear(&event);
        lines.push(status.to_string());
    }
    insta::assert_snapshot!(lines.join("\n"));
}
