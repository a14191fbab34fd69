//! Shards that are joined are the run that was never cut.

use std::path::PathBuf;
use std::time::Duration;

use harness::event::{Case, Kill};
use harness::merge::merge;
use harness::report::json::Document;
use harness::report::{Preparation, Run};
use harness::{Cut, Invariant};
use rstest::rstest;

use crate::sample::{CARD, at, flaky, mixed, proof};

/// The runs that this one would have been, in so many shards.
fn shards(run: &Run, of: usize) -> Vec<Run> {
    let from: Vec<String> = run.planned.iter().map(Invariant::name).collect();
    let shard = |number: usize| {
        let planned = run.planned.iter().enumerate().filter(|(index, _)| index % of == number);
        let planned: Vec<Invariant> = planned.map(|(_, invariant)| invariant.clone()).collect();
        let cases = run.cases.iter().filter(|case| planned.contains(&case.invariant));
        let kills = run.kills.iter().filter(|kill| planned.contains(&kill.invariant));
        let shard = format!("{}/{of}", number + 1).parse().unwrap();
        Run {
            cases: cases.map(Case::clone).collect(),
            kills: kills.map(Kill::clone).collect(),
            planned,
            cut: Some(Cut { shard, from: from.clone() }),
            ..run.clone()
        }
    };
    (0..of).map(shard).collect()
}

fn merged(shards: &[Run]) -> Document {
    merged_files(shards.iter().map(Document::from))
}

fn merged_files(documents: impl Iterator<Item = Document>) -> Document {
    let files: Vec<_> =
        documents.enumerate().map(|(index, file)| (PathBuf::from(index.to_string()), file)).collect();
    Document::from(&merge(&files).unwrap())
}

/// Checks are in the order in which they ended, which shards do not share.
fn ordered(mut document: Document) -> Document {
    document.checks.sort_by(|one, other| (&one.id, one.repetition).cmp(&(&other.id, other.repetition)));
    document.mutants.sort_by(|one, other| (&one.id, &one.mutant).cmp(&(&other.id, &other.mutant)));
    document
}

#[rstest]
#[case::of_a_run(mixed())]
#[case::of_a_proof(proof())]
#[case::with_repetitions(flaky())]
fn shards_are_the_whole_run(#[case] mut run: Run) {
    // One that was planned and never decided.
    run.planned.extend((!run.planned.contains(&CARD)).then_some(CARD));
    for of in 1..=5 {
        let shards = shards(&run, of);
        assert_eq!(ordered(merged(&shards)), ordered(Document::from(&run)), "of {of}");
        let backwards: Vec<Run> = shards.into_iter().rev().collect();
        assert_eq!(ordered(merged(&backwards)), ordered(Document::from(&run)), "of {of}, backwards");
    }
}

#[test]
fn files_that_do_not_say_what_was_planned_are_joined_by_names() {
    let mut run = mixed();
    run.planned.push(CARD.on("elsewhere"));
    let shards = shards(&run, 2);
    let old = shards.iter().map(|shard| Document { planned: Vec::new(), ..Document::from(shard) });
    let (merged, whole) = (ordered(merged_files(old)), ordered(Document::from(&run)));
    assert_eq!(merged.undecided, whole.undecided);
    assert_eq!(merged.checks, whole.checks);
}

#[test]
fn shards_take_from_the_first_begin_to_the_last_end() {
    let mut shards = shards(&mixed(), 2);
    shards[1].started += Duration::from_secs(60);
    let (first, whole) = (Document::from(&shards[0]), merged(&shards));
    assert_eq!((whole.started, whole.took), (first.started, first.took + 60.0));
    shards[1].interrupted = true;
    assert!(merged(&shards).interrupted);
}

#[test]
fn preparations_say_for_which_shard() {
    let mut shards = shards(&mixed(), 2);
    for shard in &mut shards {
        shard.preparations = vec![Preparation { what: "boot omarchy".into(), began: at(0), took: Some(1.0) }];
    }
    let whole = merged(&shards);
    let told: Vec<&str> = whole.preparations.iter().map(|known| known.what.as_str()).collect();
    assert_eq!(told, ["boot omarchy for shard 1/2", "boot omarchy for shard 2/2"]);
}
