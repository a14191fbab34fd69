//! One case of a report, as the gate sees it.

use std::time::Duration;

use serde::Serialize;

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The `classname`, or the name of the suite where a case has none.
    pub class: String,
    pub name: String,
    pub verdict: Verdict,
    /// What was said of the verdict; empty when nothing was.
    pub message: String,
    pub flaky: Option<Flaky>,
    /// How long it took once, however often it was repeated.
    pub took: Option<Duration>,
    /// How many cases of the report have this class and name.
    pub entries: u32,
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
    /// Whether this project wrote it: the class is `TARGET.FAMILY` and the name an invariant of that family.
    pub fn is_ours(&self) -> bool {
        let Some((family, _)) = self.name.split_once('.') else { return false };
        let target = self.class.strip_suffix(family).and_then(|rest| rest.strip_suffix('.'));
        !family.is_empty() && target.is_some_and(|target| !target.is_empty())
    }

    /// Makes one case of two that have the same class and name.
    pub fn merge(&mut self, other: Case) {
        self.entries += other.entries;
        if other.verdict > self.verdict {
            (self.verdict, self.message) = (other.verdict, other.message);
        }
        self.flaky = match (self.flaky, other.flaky) {
            (Some(one), Some(another)) if another.rate() > one.rate() => Some(another),
            (one, another) => one.or(another),
        };
        self.took = match (self.took, other.took) {
            (Some(one), Some(another)) => one.checked_add(another),
            (one, another) => one.or(another),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn case(class: &str, name: &str) -> Case {
        let (class, name) = (class.into(), name.into());
        Case {
            class,
            name,
            verdict: Verdict::Passed,
            message: String::new(),
            flaky: None,
            took: None,
            entries: 1,
        }
    }

    #[rstest]
    #[case::ours("omarchy.binfmt", "binfmt.registered", true)]
    #[case::variant("omarchy.credentials", "credentials.smbios-table@aarch64", true)]
    #[case::nextest("harness::report", "junit::of_a_run", false)]
    #[case::surefire("com.example.Cart", "adds.one", false)]
    #[case::no_target(".binfmt", "binfmt.registered", false)]
    #[case::no_family("omarchy.", ".registered", false)]
    fn is_told_from_others(#[case] class: &str, #[case] name: &str, #[case] ours: bool) {
        assert_eq!(case(class, name).is_ours(), ours);
    }

    #[test]
    fn the_worst_of_two_counts() {
        let mut one = Case { took: Some(Duration::from_secs(1)), ..case("class", "name") };
        let verdict = Verdict::Broken;
        one.merge(Case { verdict, message: "why".into(), took: Some(Duration::from_secs(2)), ..one.clone() });
        one.merge(Case {
            verdict: Verdict::Skipped,
            message: "no".into(),
            took: None,
            ..case("class", "name")
        });
        let took = Some(Duration::from_secs(3));
        assert_eq!(one, Case { verdict, message: "why".into(), took, entries: 3, ..case("class", "name") });
    }
}
