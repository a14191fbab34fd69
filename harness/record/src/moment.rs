//! A point in time, as reports write it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Microseconds since 1970 in UTC, by the host's clock. In files it is a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// The beginning of the year 10000. Up to there a floating-point number of seconds tells microseconds apart.
const END: u64 = 253_402_300_800_000_000;

impl Moment {
    pub fn now() -> Moment {
        Moment::from(SystemTime::now())
    }

    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Moment {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(u64::try_from(since.as_micros()).unwrap_or(END).min(END))
    }
}

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Moment {
        Moment::from(SystemTime::now().checked_sub(instant.elapsed()).unwrap_or(UNIX_EPOCH))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.seconds())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if !(0.0..=END as f64 / 1e6).contains(&seconds) {
            return Err(de::Error::custom(format!("{seconds} is no time in seconds since 1970")));
        }
        Ok(Moment((seconds * 1e6).round() as u64))
    }
}

/// Durations in files: seconds.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(micros in 0..=4_102_444_800_000_000_u64) {
            let text = serde_json::to_string(&Moment(micros)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Moment>(&text).unwrap(), Moment(micros));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["-1", "1e300", "\"now\"", "null"] {
            assert!(serde_json::from_str::<Moment>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Moment>("1.5").unwrap(), Moment(1_500_000));
    }

    #[test]
    fn an_instant_is_when_it_was() {
        let began = Instant::now();
        let (before, then) = (Moment::now(), Moment::from(began));
        assert!(before.0.abs_diff(then.0) < 1_000_000);
    }
}
