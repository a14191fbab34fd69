//! How often a check passes that is tried several times, and how sure that is.

use std::fmt;

use record::Verdict;

/// How many tries passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub passed: u32,
    /// At least 1.
    pub tries: u32,
    /// The verdict was not always the same, so that one try alone tells little.
    pub flaky: bool,
}

/// The standard score that 95 % of a normal distribution lie within.
const Z: f64 = 1.959_963_984_540_054;

impl Rate {
    /// None when nothing was tried: there are no verdicts, or all tries were skipped.
    pub fn of<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Option<Rate> {
        let words: Vec<&str> = verdicts.into_iter().map(Verdict::word).collect();
        let first = words.iter().find(|word| **word != "skipped")?;
        let passed = words.iter().filter(|word| **word == "passed").count();
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let flaky = words.iter().any(|word| word != first);
        Some(Rate { passed: count(passed), tries: count(words.len()), flaky })
    }

    /// The share of tries that passed, from 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.passed) / f64::from(self.tries)
    }

    /// Where the true share lies with 95 % confidence. This is the score interval of E. B. Wilson, "Probable
    /// Inference, the Law of Succession, and Statistical Inference" (1927), which is sound for few tries and
    /// for shares near 0 and 1 too.
    pub fn interval(self) -> (f64, f64) {
        let (share, tries) = (self.share(), f64::from(self.tries));
        let weight = Z * Z / tries;
        let centre = share + weight / 2.0;
        let half = Z * ((share * (1.0 - share) + weight / 4.0) / tries).sqrt();
        let bound = |value: f64| (value / (1.0 + weight)).clamp(0.0, 1.0);
        // At the ends the formula is exact, but its arithmetic is not.
        let low = if self.passed == 0 { 0.0 } else { bound(centre - half) };
        let high = if self.passed == self.tries { 1.0 } else { bound(centre + half) };
        (low, high)
    }
}

/// `flaky: 2 of 10 passed, 5.7 to 51.0 % with 95 % confidence`. A gate reads how this begins.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval();
        let flaky = if self.flaky { "flaky: " } else { "" };
        let Rate { passed, tries, .. } = self;
        let (low, high) = (100.0 * low, 100.0 * high);
        write!(f, "{flaky}{passed} of {tries} passed, {low:.1} to {high:.1} % with 95 % confidence")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn verdict(letter: char) -> Verdict {
        let reason = String::new;
        match letter {
            'p' => Verdict::Passed,
            'b' => Verdict::Broken { reason: reason() },
            's' => Verdict::Skipped { reason: reason() },
            _ => Verdict::Failed(record::Violation { expected: reason(), observed: reason() }),
        }
    }

    fn rate(letters: &str) -> Option<Rate> {
        let verdicts: Vec<Verdict> = letters.chars().map(verdict).collect();
        Rate::of(&verdicts)
    }

    /// R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    #[rstest]
    #[case(81, 263, 0.2553, 0.3662)]
    #[case(15, 148, 0.0624, 0.1605)]
    #[case(0, 20, 0.0, 0.1611)]
    #[case(1, 29, 0.0061, 0.1718)]
    fn the_interval_is_the_published_one(
        #[case] passed: u32,
        #[case] tries: u32,
        #[case] low: f64,
        #[case] high: f64,
    ) {
        let found = Rate { passed, tries, flaky: false }.interval();
        assert!((found.0 - low).abs() < 5e-5 && (found.1 - high).abs() < 5e-5, "{found:?}");
        // What passes and what does not are two names for the same.
        let mirrored = Rate { passed: tries - passed, tries, flaky: false }.interval();
        assert!((mirrored.0 + found.1 - 1.0).abs() < 1e-12 && (mirrored.1 + found.0 - 1.0).abs() < 1e-12);
    }

    #[rstest]
    #[case::steady("ppp", "3 of 3 passed, 43.9 to 100.0 % with 95 % confidence")]
    #[case::never("fff", "0 of 3 passed, 0.0 to 56.1 % with 95 % confidence")]
    #[case::sometimes("pfpfffffff", "flaky: 2 of 10 passed, 5.7 to 51.0 % with 95 % confidence")]
    #[case::broken_once("ppppb", "flaky: 4 of 5 passed, 37.6 to 96.4 % with 95 % confidence")]
    #[case::skipped_once("ps", "flaky: 1 of 2 passed, 9.5 to 90.5 % with 95 % confidence")]
    fn reads(#[case] letters: &str, #[case] text: &str) {
        assert_eq!(rate(letters).unwrap().to_string(), text);
    }

    #[rstest]
    #[case::nothing("")]
    #[case::skipped("sss")]
    fn what_was_not_tried_has_none(#[case] letters: &str) {
        assert_eq!(rate(letters), None);
    }
}
