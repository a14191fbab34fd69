//! One case of a report, as the gate sees it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Place;

/// What became of a case, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Passed,
    Skipped,
    Broken,
    Failed,
}

/// How often a case passed that did not always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Flaky {
    pub passed: u32,
    pub of: u32,
}

/// What a case is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    Test,
    /// All tests of its class, of which something failed that is no test.
    Class,
    /// All tests of its suite.
    Suite,
}

/// A case is known by its place, class and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub place: Arc<Place>,
    /// The `classname`, or the name of the suite where a case has none.
    pub class: String,
    pub name: String,
    pub scope: Scope,
    pub verdict: Verdict,
    /// What was said of the verdict; empty when nothing was.
    pub message: String,
    pub flaky: Option<Flaky>,
    /// How long it took once, however often it was repeated.
    pub took: Option<Duration>,
    /// How often the report has it: the tries of a test that was tried again, or a test with several parameters that are
    /// not told.
    pub entries: u32,
    /// How many of them passed, if only when tried again.
    pub passed: u32,
}

impl Verdict {
    /// One word, as used in every report.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Skipped => "skipped",
            Verdict::Broken => "broken",
            Verdict::Failed => "failed",
        }
    }

    /// Whether it was tried and not seen to hold.
    pub fn is_bad(self) -> bool {
        matches!(self, Verdict::Failed | Verdict::Broken)
    }
}

impl Flaky {
    /// The share of tries that did not pass.
    pub fn rate(self) -> f64 {
        1.0 - f64::from(self.passed) / f64::from(self.of)
    }
}

impl Case {
    /// One entry of which only that is known.
    pub fn new(class: &str, name: &str, verdict: Verdict) -> Case {
        Case {
            place: Arc::default(),
            class: class.into(),
            name: name.into(),
            scope: Scope::Test,
            verdict,
            message: String::new(),
            flaky: None,
            took: None,
            entries: 1,
            passed: u32::from(verdict == Verdict::Passed),
        }
    }

    /// Whether this project wrote it: the class is `TARGET.FAMILY` and the name an invariant of that family.
    pub fn is_ours(&self) -> bool {
        let Some((family, _)) = self.name.split_once('.') else { return false };
        let target = self.class.strip_suffix(family).and_then(|rest| rest.strip_suffix('.'));
        !family.is_empty() && target.is_some_and(|target| !target.is_empty())
    }

    /// Makes one case of all entries that are known by the same. The worst counts, and of equals the first.
    pub fn of(entries: Vec<Case>) -> Option<Case> {
        let mut worst = entries.iter().rev().max_by_key(|entry| entry.verdict)?.clone();
        if entries.len() == 1 {
            return Some(worst);
        }
        worst.entries = entries.iter().map(|entry| entry.entries).sum();
        worst.passed = entries.iter().map(|entry| entry.passed).sum();
        let tries = entries.iter().map(Case::tries).reduce(|one, other| Flaky {
            passed: one.passed.saturating_add(other.passed),
            of: one.of.saturating_add(other.of),
        });
        worst.flaky = tries.filter(|tries| worst.verdict.is_bad() && tries.passed > 0);
        let took = entries.iter().filter_map(|entry| entry.took).reduce(Duration::saturating_add);
        // The time of no try is that of the test.
        worst.took = took.filter(|_| worst.flaky.is_none());
        Some(worst)
    }

    /// How often it was tried.
    fn tries(&self) -> Flaky {
        let once = Flaky { passed: self.passed, of: u32::from(self.verdict != Verdict::Skipped) };
        self.flaky.unwrap_or(once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::ours("omarchy.binfmt", "binfmt.registered", true)]
    #[case::variant("omarchy.credentials", "credentials.smbios-table@aarch64", true)]
    #[case::nextest("harness::report", "junit::of_a_run", false)]
    #[case::surefire("com.example.Cart", "adds.one", false)]
    #[case::no_target(".binfmt", "binfmt.registered", false)]
    #[case::no_family("omarchy.", ".registered", false)]
    fn is_told_from_others(#[case] class: &str, #[case] name: &str, #[case] ours: bool) {
        assert_eq!(Case::new(class, name, Verdict::Passed).is_ours(), ours);
    }

    fn entry(verdict: Verdict, message: &str, seconds: u64) -> Case {
        let took = Some(Duration::from_secs(seconds));
        Case { message: message.into(), took, ..Case::new("class", "name", verdict) }
    }

    #[test]
    fn the_worst_of_several_counts() {
        let entries = vec![
            entry(Verdict::Skipped, "no", 0),
            entry(Verdict::Broken, "why", 1),
            entry(Verdict::Broken, "again", 2),
        ];
        let case = Case::of(entries).unwrap();
        assert_eq!(case, Case { entries: 3, ..entry(Verdict::Broken, "why", 3) });
    }

    #[rstest]
    #[case::tried_again(&[Verdict::Failed, Verdict::Passed], Some((1, 2)))]
    #[case::parameters(&[Verdict::Passed, Verdict::Failed, Verdict::Passed], Some((2, 3)))]
    #[case::skipped_is_not_tried(&[Verdict::Passed, Verdict::Broken, Verdict::Skipped], Some((1, 2)))]
    #[case::never_passed(&[Verdict::Failed, Verdict::Failed], None)]
    #[case::always_passed(&[Verdict::Passed, Verdict::Passed], None)]
    #[case::not_always_tried(&[Verdict::Passed, Verdict::Skipped], None)]
    fn what_passed_at_times_is_flaky(#[case] verdicts: &[Verdict], #[case] flaky: Option<(u32, u32)>) {
        let entries: Vec<Case> = verdicts.iter().map(|verdict| entry(*verdict, "", 1)).collect();
        let case = Case::of(entries).unwrap();
        assert_eq!(case.flaky, flaky.map(|(passed, of)| Flaky { passed, of }));
        assert_eq!(case.took.is_none(), flaky.is_some());
        assert_eq!((case.entries as usize, case.verdict), (verdicts.len(), *verdicts.iter().max().unwrap()));
    }

    #[test]
    fn what_was_tried_again_in_one_entry_counts_as_its_tries() {
        let again =
            Case { flaky: Some(Flaky { passed: 1, of: 3 }), passed: 1, ..entry(Verdict::Failed, "", 1) };
        let case = Case::of(vec![again, entry(Verdict::Passed, "", 1)]).unwrap();
        assert_eq!((case.flaky, case.passed), (Some(Flaky { passed: 2, of: 4 }), 2));
    }
}
