//! The exit status of a run.

use record::Verdict;
use record::event::Fate;

use super::{Purpose, Run};

/// What the process says with its exit status, from what was heard:
///
/// - 0: every check passed, or every mutant was killed.
/// - 1: an invariant is violated, or a mutant survived.
/// - 3: neither, but something is broken, undecided or interrupted.
/// - 4: nothing ran: nothing was selected, or everything was skipped.
///
/// 2 is for usage and bad files, which end the program before there is a run.
pub fn status(run: &Run) -> u8 {
    let violated = run.cases.iter().any(|case| matches!(case.verdict, Verdict::Failed(_)));
    let survived = run.kills.iter().any(|kill| kill.fate == Fate::Survived);
    if violated || survived {
        return 1;
    }
    let broken = run.cases.iter().any(|case| matches!(case.verdict, Verdict::Broken { .. }));
    let unclear = run.kills.iter().any(|kill| matches!(kill.fate, Fate::Undecided { .. }));
    if broken || unclear || run.interrupted || !run.undecided().is_empty() {
        return 3;
    }
    let ran = match run.purpose {
        Purpose::Run => run.cases.iter().any(|case| case.verdict == Verdict::Passed),
        Purpose::Prove => !run.kills.is_empty(),
    };
    if ran { 0 } else { 4 }
}
