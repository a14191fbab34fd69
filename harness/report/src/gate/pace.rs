//! Whether a duration changed so much that people want to hear of it.

use std::time::Duration;

use serde::Deserialize;

/// A change is told when it is noticeable both ways: two milliseconds are twice as long as one, and mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Noticeable {
    /// So many times as long, or as short.
    pub ratio: f64,
    /// So many seconds longer, or shorter.
    pub seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Slower,
    Faster,
}

impl Default for Noticeable {
    fn default() -> Self {
        Self { ratio: 2.0, seconds: 5.0 }
    }
}

impl Noticeable {
    pub fn pace(&self, before: Duration, after: Duration) -> Option<Pace> {
        let (before, after) = (before.as_secs_f64(), after.as_secs_f64());
        let much = |less: f64, more: f64| more - less >= self.seconds && more >= less * self.ratio;
        match () {
            () if much(before, after) => Some(Pace::Slower),
            () if much(after, before) => Some(Pace::Faster),
            () => None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), &'static str> {
        if !(self.ratio >= 1.0 && self.ratio.is_finite()) {
            return Err("ratio must be at least 1");
        }
        if !(self.seconds > 0.0 && self.seconds.is_finite()) {
            return Err("seconds must be more than 0");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::much_of_little(1, 100, None)]
    #[case::little_of_much(60_000, 70_000, None)]
    #[case::slower(5_000, 10_000, Some(Pace::Slower))]
    #[case::faster(10_000, 5_000, Some(Pace::Faster))]
    #[case::from_nothing(0, 5_000, Some(Pace::Slower))]
    #[case::same(9_000, 9_000, None)]
    fn a_change_is_noticed_both_ways(#[case] before: u64, #[case] after: u64, #[case] pace: Option<Pace>) {
        let [before, after] = [before, after].map(Duration::from_millis);
        assert_eq!(Noticeable::default().pace(before, after), pace);
    }
}
