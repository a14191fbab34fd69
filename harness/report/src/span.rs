//! A duration as a person reads it.

use std::fmt;
use std::time::Duration;

/// `0.22 s`, `12.3 s`, `2 min 05 s`: three digits are all that anybody compares.
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 0.995 {
            write!(f, "{seconds:.2} s")
        } else if seconds < 59.95 {
            write!(f, "{seconds:.1} s")
        } else {
            let whole = seconds.round() as u64;
            write!(f, "{} min {:02} s", whole / 60, whole % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0.00 s")]
    #[case(222, "0.22 s")]
    #[case(996, "1.0 s")]
    #[case(59_949, "59.9 s")]
    #[case(59_990, "1 min 00 s")]
    #[case(125_000, "2 min 05 s")]
    #[case(7_200_000, "120 min 00 s")]
    fn reads(#[case] millis: u64, #[case] text: &str) {
        assert_eq!(Span(Duration::from_millis(millis)).to_string(), text);
    }
}
