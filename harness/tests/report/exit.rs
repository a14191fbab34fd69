use harness::event::Fate;
use harness::report::{Purpose, Run, status};
use harness::{Invariant, Verdict};
use rstest::rstest;

use crate::sample::{CARD, LATE, REGISTERED, broken, case, failed, kill, run, skipped};

#[rstest]
#[case::all_passed(vec![Verdict::Passed, Verdict::Passed], 0)]
#[case::some_skipped(vec![Verdict::Passed, skipped()], 0)]
#[case::violated(vec![Verdict::Passed, failed()], 1)]
#[case::violated_outweighs_broken(vec![broken(), failed()], 1)]
#[case::broken(vec![Verdict::Passed, broken()], 3)]
#[case::all_skipped(vec![skipped(), skipped()], 4)]
#[case::never_ended(vec![Verdict::Passed], 3)]
fn of_a_run(#[case] verdicts: Vec<Verdict>, #[case] expected: u8) {
    let cases =
        [REGISTERED, LATE].into_iter().zip(verdicts).map(|(invariant, verdict)| case(invariant, verdict));
    assert_eq!(status(&run(Purpose::Run, &[REGISTERED, LATE], cases.collect(), vec![])), expected);
}

#[rstest]
#[case::run(Purpose::Run)]
#[case::prove(Purpose::Prove)]
fn of_nothing(#[case] purpose: Purpose) {
    assert_eq!(status(&run(purpose, &[], vec![], vec![])), 4);
}

#[test]
fn one_violation_in_many_repetitions_is_one() {
    let mut again = case(REGISTERED, Verdict::Passed);
    again.repetition = 2;
    let cases = vec![case(REGISTERED, failed()), again];
    assert_eq!(status(&run(Purpose::Run, &[REGISTERED], cases, vec![])), 1);
}

fn interrupted(cases: Vec<harness::event::Case>, planned: &[Invariant]) -> Run {
    let mut run = run(Purpose::Run, planned, cases, vec![]);
    run.interrupted = true;
    run
}

#[test]
fn an_interrupted_run_did_not_pass() {
    assert_eq!(status(&interrupted(vec![case(LATE, Verdict::Passed)], &[LATE])), 3);
    assert_eq!(status(&interrupted(vec![case(LATE, failed())], &[LATE])), 1);
    assert_eq!(status(&interrupted(vec![], &[])), 3);
}

#[test]
fn a_run_whose_end_was_never_heard_did_not_pass() {
    assert_eq!(status(&Run::new(Purpose::Run)), 3);
}

fn killed() -> Fate {
    Fate::Killed { observed: "no flags".into() }
}

fn undecided() -> Fate {
    Fate::Undecided { reason: "no answer".into() }
}

#[rstest]
#[case::killed(vec![killed(), killed()], 0)]
#[case::survived(vec![killed(), Fate::Survived], 1)]
#[case::survived_outweighs_undecided(vec![undecided(), Fate::Survived], 1)]
#[case::undecided(vec![killed(), undecided()], 3)]
#[case::no_mutant(vec![], 3)]
fn of_a_proof(#[case] fates: Vec<Fate>, #[case] expected: u8) {
    let kills = fates.into_iter().map(|fate| kill(REGISTERED, "mutant", fate)).collect();
    let cases = vec![case(REGISTERED, Verdict::Passed)];
    assert_eq!(status(&run(Purpose::Prove, &[REGISTERED], cases, kills)), expected);
}

#[test]
fn a_proof_on_a_red_reference_is_none() {
    let cases = vec![case(REGISTERED, failed())];
    let kills = vec![kill(REGISTERED, "mutant", killed())];
    assert_eq!(status(&run(Purpose::Prove, &[REGISTERED], cases, kills)), 1);
}

#[test]
fn a_proof_of_what_the_target_skips_ran_nothing() {
    assert_eq!(status(&run(Purpose::Prove, &[CARD], vec![case(CARD, skipped())], vec![])), 4);
}
