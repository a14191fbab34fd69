//! How late the timer of a watchdog may be by its own settings, on which the document says nothing.

use std::time::Duration;

use harness::{Machine, MachineError};

/// What its timers add to a period at most.
pub async fn lateness<M: Machine + ?Sized>(machine: &M, watchdog: &str) -> Result<Duration, MachineError> {
    let asked = "systemctl show --property=Triggers,AccuracyUSec,RandomizedDelayUSec '*.timer'";
    Ok(lateness_of(&machine.succeed(asked).await?, watchdog))
}

fn lateness_of(timers: &str, watchdog: &str) -> Duration {
    let of_it = timers.split("\n\n").filter(|timer| {
        let triggers = timer.lines().find_map(|line| line.strip_prefix("Triggers="));
        triggers.is_some_and(|units| units.split(' ').any(|unit| unit == watchdog))
    });
    let late = |timer: &str| -> Duration {
        timer.lines().filter_map(|line| span(line.split_once("USec=")?.1)).sum()
    };
    of_it.map(late).max().unwrap_or_default()
}

/// Reads a span of time as systemd writes it, such as `1min 30s` (systemd.time(7)).
fn span(text: &str) -> Option<Duration> {
    text.split_whitespace().map(part).sum()
}

fn part(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let seconds = match &text[unit..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "" if text == "0" => 0.0,
        _ => return None,
    };
    let number: f64 = text[..unit].parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_its_own_timers_the_latest_counts() {
        let timers = "AccuracyUSec=1min\nRandomizedDelayUSec=0\nTriggers=w.service\n\n\
                      AccuracyUSec=1us\nRandomizedDelayUSec=1min 30s\nTriggers=w.service\n\n\
                      AccuracyUSec=1d\nRandomizedDelayUSec=1d\nTriggers=other.service\n";
        assert_eq!(lateness_of(timers, "w.service"), Duration::from_micros(90_000_001));
        assert_eq!(lateness_of(timers, "none.service"), Duration::ZERO);
    }

    #[test]
    fn spans_are_read() {
        for (text, milliseconds) in
            [("1s", 1000), ("1min 30s", 90_000), ("0", 0), ("1.500s", 1500), ("2h 1ms", 7_200_001)]
        {
            assert_eq!(span(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["infinity", "n/a", "5", "s"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
