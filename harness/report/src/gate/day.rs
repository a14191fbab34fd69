//! A day of the calendar, for what expires.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Date, Month, OffsetDateTime};
use toml::value::Datetime;

/// A day in UTC, written like `2026-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no day: write it like 2026-01-31")]
pub struct DayError(String);

impl Day {
    pub fn today() -> Day {
        Day(OffsetDateTime::now_utc().date())
    }

    /// The day of a time in seconds since 1970.
    pub fn of_unix_time(seconds: i64) -> Option<Day> {
        OffsetDateTime::from_unix_timestamp(seconds).ok().map(|time| Day(time.date()))
    }
}

impl TryFrom<Datetime> for Day {
    type Error = DayError;

    fn try_from(written: Datetime) -> Result<Day, DayError> {
        let day = match written {
            Datetime { date: Some(date), time: None, offset: None } => Month::try_from(date.month)
                .and_then(|month| Date::from_calendar_date(date.year.into(), month, date.day))
                .ok(),
            _ => None,
        };
        day.map(Day).ok_or_else(|| DayError(written.to_string()))
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Day, DayError> {
        let written: Datetime = text.parse().map_err(|_| DayError(text.into()))?;
        Day::try_from(written)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        Day::try_from(Datetime::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026-01-31", true)]
    #[case::leap("2028-02-29", true)]
    #[case::no_leap("2026-02-29", false)]
    #[case::time("2026-01-31T00:00:00", false)]
    #[case::only_time("10:00:00", false)]
    #[case::words("tomorrow", false)]
    fn is_written_one_way(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Day>().map(|day| day.to_string()).ok(), good.then(|| text.to_owned()));
    }

    #[test]
    fn comes_from_unix_time() {
        assert_eq!(Day::of_unix_time(1_767_225_599).unwrap().to_string(), "2025-12-31");
        assert_eq!(Day::of_unix_time(i64::MAX), None);
    }
}
