//! How long something took, as producers write it.

use std::time::Duration;

/// Seconds, or another way in which producers are known to write a time. Nothing for what is not understood: no time is
/// better than a wrong one.
///
/// | written | by |
/// |---|---|
/// | `1.5`, `2.5e-1` | most |
/// | `1,234.5`, `1.234,5` | Surefire, and others in the way of their country |
/// | `0,25`, `1,078` | TestNG and Surefire where the decimal sign is a comma |
/// | `75.350s`, `80.803us`, `1m 3.5s`, `PT1M3.5S` | godog, Kotest, what prints a duration of Go, Kotlin or ISO 8601 |
/// | `00:01:03.5` | .NET |
///
/// `1,078` alone could be a thousand seconds. Surefire writes that with a fraction, as `1,078.0`, and who writes a comma for
/// a point writes three digits behind it.
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let seconds = number(text).or_else(|| clock(text)).or_else(|| units(text))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A number, with whatever sign for decimals and for thousands.
fn number(text: &str) -> Option<f64> {
    let signs: Vec<char> = text.chars().filter(|letter| ",.".contains(*letter)).collect();
    let plain = match signs.as_slice() {
        [] | ['.'] => text.to_owned(),
        [','] => text.replace(',', "."),
        [thousands @ .., decimal]
            if thousands.iter().all(|sign| sign != decimal && sign == &thousands[0]) =>
        {
            text.replace(thousands[0], "").replace(*decimal, ".")
        }
        // Of one kind, there are several only between thousands.
        [first, rest @ ..] if rest.iter().all(|sign| sign == first) => text.replace(*first, ""),
        _ => return None,
    };
    plain.parse().ok()
}

/// Hours, minutes and seconds. Two parts could be either.
fn clock(text: &str) -> Option<f64> {
    let [hours, minutes, seconds] = text.split(':').map(number).collect::<Option<Vec<_>>>()?[..] else {
        return None;
    };
    Some((hours * 60.0 + minutes) * 60.0 + seconds)
}

/// Numbers with units behind them.
fn units(text: &str) -> Option<f64> {
    let text = text.to_lowercase();
    let mut rest = text.strip_prefix("pt").unwrap_or(&text).trim();
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let (value, behind) = rest.split_at(rest.find(|letter: char| letter.is_alphabetic())?);
        let end = behind.find(|letter: char| !letter.is_alphabetic()).unwrap_or(behind.len());
        let unit = match &behind[..end] {
            "h" => 3600.0,
            "m" | "min" => 60.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        sum += number(value.trim())? * unit;
        rest = behind[end..].trim_start();
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.25", Some(250.0))]
    #[case::spaces(" 0.25 ", Some(250.0))]
    #[case::exponent("2.5e-1", Some(250.0))]
    #[case::whole("0.", Some(0.0))]
    #[case::thousands("1,234.5", Some(1_234_500.0))]
    #[case::many_thousands("1,234,567.5", Some(1_234_567_500.0))]
    #[case::only_thousands("1,234,567", Some(1_234_567_000.0))]
    #[case::comma("0,160", Some(160.0))]
    #[case::short_comma("0,25", Some(250.0))]
    #[case::long_comma("0,500000", Some(500.0))]
    #[case::comma_that_could_be_a_thousand("1,078", Some(1078.0))]
    #[case::comma_and_thousands("1.234,56", Some(1_234_560.0))]
    #[case::go("75.350s", Some(75_350.0))]
    #[case::go_minutes("1m3.5s", Some(63_500.0))]
    #[case::kotlin("1m 3.5s", Some(63_500.0))]
    #[case::microseconds("80.803us", Some(0.080_803))]
    #[case::milliseconds("350ms", Some(350.0))]
    #[case::iso("PT1M3.5S", Some(63_500.0))]
    #[case::clock("00:01:03.500", Some(63_500.0))]
    #[case::half_a_clock("01:03", None)]
    #[case::mixed("1.2,3.4", None)]
    #[case::unknown_unit("3 fortnights", None)]
    #[case::no_value("s", None)]
    #[case::no_unit("1m 3", None)]
    #[case::empty("", None)]
    #[case::only_a_mark("PT", None)]
    #[case::negative("-1", None)]
    #[case::not_a_number("NaN", None)]
    #[case::infinite("inf", None)]
    #[case::too_long("1e300", None)]
    fn a_time_is_read_or_missing(#[case] text: &str, #[case] milliseconds: Option<f64>) {
        let expected = milliseconds.map(|milliseconds| Duration::from_secs_f64(milliseconds / 1000.0));
        assert_eq!(duration(text), expected);
    }
}
