//! What one case amounts to under a policy.

use junit::{Case, Verdict};

use super::pair::Pair;
use super::{Day, Finding, Kind, Pace, Policy, Reason};

/// Judges one case.
pub fn find(pair: &Pair, policy: &Policy, today: Day) -> Finding {
    let before = pair.before.map(|case| case.verdict);
    let after = pair.after.map(|case| case.verdict);
    let mut reasons = excuses(pair, policy, today);
    let excused = !reasons.is_empty() && !reasons.iter().any(Reason::counts);
    if !excused {
        if let Some(loss) = loss(pair) {
            reasons.insert(0, loss);
        }
        if after != Some(Verdict::Passed) && policy.required.iter().any(|name| pair.is_called(name)) {
            reasons.push(Reason::Required);
        }
        reasons.extend(over_budget(pair, policy));
    }
    let kind = match reasons.as_slice() {
        [] => kind(pair, policy),
        _ if excused => Kind::Excused,
        _ => Kind::Regression,
    };
    let passed = after.is_none_or(|after| after == Verdict::Passed);
    Finding {
        name: pair.name.clone(),
        class: pair.case().class.clone(),
        kind,
        before,
        after,
        reasons,
        flaky: pair.after.and_then(|case| case.flaky),
        message: pair.after.filter(|_| !passed).map(|case| case.message.clone()).unwrap_or_default(),
        took_before: pair.before.and_then(|case| case.took),
        took_after: pair.after.and_then(|case| case.took),
    }
}

/// What passed before and no longer does, of the case or a part of it.
fn loss(pair: &Pair) -> Option<Reason> {
    let passes = |case: Option<&Case>| case.is_some_and(|case| case.verdict == Verdict::Passed);
    let passed = |case: Option<&Case>| case.map_or(0, |case| case.passed);
    let (before, after) = (passed(pair.before), passed(pair.after));
    match () {
        () if passes(pair.before) && !passes(pair.after) => Some(Reason::PassedBefore),
        () if after < before => Some(Reason::PassedMoreBefore { before, after }),
        () if pair.is_in_known_suite => Some(Reason::NewInSuite),
        () => None,
    }
}

/// What became of a case that no rule is about.
fn kind(pair: &Pair, policy: &Policy) -> Kind {
    let (Some(before), Some(after)) = (pair.before, pair.after) else {
        return if pair.before.is_none() { Kind::New } else { Kind::Changed };
    };
    match (before.verdict, after.verdict) {
        (Verdict::Passed, Verdict::Passed) => match before.took.zip(after.took) {
            Some((before, after)) => match policy.duration.pace(before, after) {
                Some(Pace::Slower) => Kind::Slower,
                Some(Pace::Faster) => Kind::Faster,
                None => Kind::Same,
            },
            None => Kind::Same,
        },
        (before, Verdict::Passed) if before.is_bad() => Kind::Fixed,
        (before, Verdict::Failed) if before.is_bad() => Kind::StillFailing,
        (before, Verdict::Broken) if before.is_bad() => Kind::StillBroken,
        (before, after) if before == after => Kind::Same,
        _ => Kind::Changed,
    }
}

/// What the policy says of a case that is failed or broken: that it may be, or no longer. An excuse that ran out
/// counts even when the baseline has the failure too, which was accepted for as long as the excuse held.
fn excuses(pair: &Pair, policy: &Policy, today: Day) -> Vec<Reason> {
    let Some(case) = pair.after.filter(|case| case.verdict.is_bad()) else { return Vec::new() };
    let known = policy.known_failure.iter().filter(|entry| pair.is_called(&entry.invariant)).map(|entry| {
        let excuse = entry.excuse();
        if excuse.holds(today) {
            Reason::KnownFailure { excuse }
        } else {
            Reason::KnownFailureExpired { excuse }
        }
    });
    let reasons: Vec<Reason> = known.chain(tolerances(pair, case, policy, today)).collect();
    // One excuse is enough.
    match reasons.iter().find(|reason| !reason.counts()) {
        Some(excuse) => vec![excuse.clone()],
        None => reasons,
    }
}

fn tolerances(pair: &Pair, case: &Case, policy: &Policy, today: Day) -> impl Iterator<Item = Reason> {
    let rate = case.flaky.map(|flaky| flaky.rate());
    let entries = policy.flaky.iter().filter(|entry| pair.is_called(&entry.invariant));
    entries.filter_map(move |entry| {
        let (rate, max_rate, excuse) = (rate?, entry.max_rate, entry.excuse());
        Some(match () {
            () if rate > max_rate => Reason::TooFlaky { rate, max_rate },
            () if excuse.holds(today) => Reason::Tolerated { max_rate, excuse },
            () => Reason::ToleranceExpired { excuse },
        })
    })
}

/// Only of what passed: how long a failure took says nothing.
fn over_budget(pair: &Pair, policy: &Policy) -> Option<Reason> {
    let case = pair.after.filter(|case| case.verdict == Verdict::Passed)?;
    let entries = policy.budget.iter().filter(|entry| pair.is_called(&entry.invariant));
    let limit = entries.filter_map(|entry| entry.limit()).min()?;
    let budget = limit.as_secs_f64();
    match case.took {
        Some(took) if took > limit => Some(Reason::OverBudget { seconds: took.as_secs_f64(), budget }),
        Some(_) => None,
        None => Some(Reason::BudgetUnknown { budget }),
    }
}
