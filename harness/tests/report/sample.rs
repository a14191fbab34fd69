//! Runs to report on.

use std::time::{Duration, UNIX_EPOCH};

use harness::event::{Case, Event, Fate, Kill};
use harness::report::{Purpose, Run};
use harness::{
    Answer, Cut, Evidence, Exchange, Invariant, Level, Lifetime, MachineKind, Moment, Output, Phase, Source,
    Start, Status, Text, Verdict, Violation,
};

pub const REGISTERED: Invariant = invariant(
    "binfmt.registered",
    Level::Must,
    "The interpreter is registered for x86-64 programs.",
    ("rosetta.md", "Registration"),
);
pub const LATE: Invariant = invariant(
    "mount.late",
    Level::Hazard,
    "A share that comes late is mounted when it comes.",
    ("rosetta.md", "The share"),
);
pub const LOST: Invariant = invariant(
    "mount.lost",
    Level::Hazard,
    "A share that comes late is mounted when it comes.",
    ("rosetta.md", "The share"),
);
pub const CARD: Invariant =
    invariant("card.reader", Level::Must, "A reader is found.", ("smartcard.md", "Daemon"));

const fn invariant(
    id: &'static str,
    level: Level,
    statement: &'static str,
    (document, section): (&'static str, &'static str),
) -> Invariant {
    let source = Source { document: Text::Borrowed(document), section: Text::Borrowed(section) };
    Invariant { id: Text::Borrowed(id), level, statement: Text::Borrowed(statement), source, variant: None }
}

pub fn failed() -> Verdict {
    Verdict::Failed(Violation {
        expected: "the flags POCF".into(),
        observed: "the flags POC\nand no F".into(),
    })
}

pub fn broken() -> Verdict {
    Verdict::Broken { reason: "the guest agent went away".into() }
}

pub fn skipped() -> Verdict {
    Verdict::Skipped { reason: "the target has no card reader".into() }
}

/// So many milliseconds after the run began.
pub fn at(millis: u64) -> Moment {
    Moment::from(UNIX_EPOCH + Duration::from_millis(1_767_225_601_000 + millis))
}

pub fn case(invariant: Invariant, verdict: Verdict) -> Case {
    Case {
        target: "omarchy".into(),
        reproduce: format!("assay run omarchy --only {}", invariant.id),
        invariant,
        repetition: 1,
        verdict,
        evidence: Evidence::default(),
        began: at(0),
        took: Duration::from_micros(1_234_567),
    }
}

pub fn evidence() -> Evidence {
    let exchange = |action: &str, answer, began, took| Exchange {
        machine: "vm".into(),
        action: action.into(),
        answer,
        began: Some(at(began)),
        took: Duration::from_millis(took),
    };
    let phase = |what: &str, began, took| Phase {
        what: what.into(),
        began: at(began),
        took: Duration::from_millis(took),
    };
    let ran = Output {
        status: Status::Exit(1),
        stdout: b"enabled\r\nflags: \x1b[31mPOC\x1b[0m\n".to_vec(),
        stderr: b"grep: \xff: no such file\n".to_vec(),
    };
    Evidence {
        machines: vec![Lifetime {
            machine: "vm".into(),
            start: Start::Fork,
            accelerator: None,
            began: at(5),
            ended: Some(at(31_200)),
            phases: vec![phase("QEMU starts", 5, 120), phase("its state loads", 125, 20)],
        }],
        transcript: vec![
            exchange("plug the drive psf", Answer::Done, 200, 40),
            exchange("cat /proc/sys/fs/binfmt_misc/rosetta", Answer::Ran(ran), 300, 220),
            exchange("systemctl status psf", Answer::None("it timed out".into()), 600, 30_000),
        ],
        journal: "systemd[1]: Mounted psf.\nkernel: ]]><failure/> \u{202e}drawkcab\n".into(),
        console: "Booting\r\nKernel panic - not syncing\r\n".into(),
    }
}

pub fn kill(invariant: Invariant, mutant: &str, fate: Fate) -> Kill {
    Kill {
        target: "omarchy".into(),
        invariant,
        mutant: mutant.into(),
        fate,
        evidence: Evidence::default(),
        began: at(60_000),
        took: Duration::from_millis(900),
    }
}

/// A finished run at a fixed time.
pub fn run(purpose: Purpose, planned: &[Invariant], cases: Vec<Case>, kills: Vec<Kill>) -> Run {
    let mut run = Run::new(purpose);
    run.assay = "0.1.0".into();
    run.started = UNIX_EPOCH + Duration::from_millis(1_767_225_600_999);
    run.hear(&Event::Planned {
        target: "omarchy".into(),
        machine: MachineKind::Vm,
        checks: planned.to_vec(),
    });
    for case in cases {
        run.hear(&Event::CheckEnded(Box::new(case)));
    }
    for kill in kills {
        run.hear(&Event::MutantEnded(Box::new(kill)));
    }
    run.hear(&Event::Ended { took: Duration::from_secs(125), interrupted: false });
    run
}

/// One of each verdict.
pub fn mixed() -> Run {
    let mut cases = vec![
        case(REGISTERED, failed()),
        case(LATE, broken()),
        case(LOST, Verdict::Passed),
        case(CARD, skipped()),
    ];
    for case in &mut cases[..2] {
        case.evidence = evidence();
    }
    run(Purpose::Run, &[REGISTERED, LATE, LOST, CARD], cases, vec![])
}

/// One of each fate, and a check whose mutants were never tried.
pub fn proof() -> Run {
    let kills = vec![
        kill(REGISTERED, "no-fix-binary", Fate::Killed { observed: "the flags POC\nand no F".into() }),
        kill(REGISTERED, "disabled", Fate::Survived),
        kill(LATE, "no-timer", Fate::Undecided { reason: "the guest agent went away".into() }),
    ];
    let cases = vec![
        case(REGISTERED, Verdict::Passed),
        case(LATE, Verdict::Passed),
        case(LOST, Verdict::Passed),
        case(CARD, skipped()),
    ];
    run(Purpose::Prove, &[REGISTERED, LATE, LOST, CARD], cases, kills)
}

/// One check whose verdict changes.
pub fn flaky() -> Run {
    let cases = [Verdict::Passed, broken(), failed(), Verdict::Passed, failed()];
    let cases = cases.into_iter().zip(1..).map(|(verdict, repetition)| {
        let mut case = case(REGISTERED, verdict);
        case.repetition = repetition;
        case.evidence.journal = format!("repetition {repetition} was here");
        case
    });
    run(Purpose::Run, &[REGISTERED], cases.collect(), vec![])
}

/// One of two shards, with files of the user's over the target.
pub fn shard() -> Run {
    let mut run = run(Purpose::Run, &[REGISTERED], vec![case(REGISTERED, Verdict::Passed)], vec![]);
    let from = [REGISTERED, LATE].map(|invariant| invariant.name()).to_vec();
    run.hear(&Event::Cut(Cut { shard: "1/2".parse().unwrap(), from }));
    run.hear(&Event::Overlaid { digest: "d1ge57".into() });
    run
}
