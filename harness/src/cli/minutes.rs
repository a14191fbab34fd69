//! A time in minutes, as the user writes it.

use std::str::FromStr;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minutes(Duration);

#[derive(Debug, thiserror::Error)]
#[error("write a number of minutes, more than 0, such as 20 or 1.5")]
pub struct MinutesError;

impl FromStr for Minutes {
    type Err = MinutesError;

    fn from_str(text: &str) -> Result<Minutes, MinutesError> {
        let minutes: f64 = text.parse().map_err(|_| MinutesError)?;
        let took = Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| MinutesError)?;
        if took.is_zero() { Err(MinutesError) } else { Ok(Minutes(took)) }
    }
}

impl From<Minutes> for Duration {
    fn from(minutes: Minutes) -> Duration {
        minutes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_minutes_is_read() {
        assert_eq!(Duration::from("1.5".parse::<Minutes>().unwrap()), Duration::from_secs(90));
        for text in ["0", "-1", "NaN", "inf", "1e300", "soon", ""] {
            assert!(text.parse::<Minutes>().is_err(), "{text}");
        }
    }
}
