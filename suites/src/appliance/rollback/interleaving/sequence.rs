//! Sequences of what can happen to an appliance, as they are chosen, written down and read again.

use std::fmt;
use std::str::FromStr;

use crate::appliance::rollback::settings::Flakes;

use proptest::prelude::{Just, Strategy};
use proptest::{collection, prop_oneof, sample};

/// What happens, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence(pub Vec<Event>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Order(System),
    /// So many seconds of the guest in which nothing else happens: the timer runs, the agent verifies.
    Pass(u64),
    /// The watchdog runs, on top of its timer.
    Watch,
    /// A flag of verification is there that nobody has written for what is pending.
    StaleFlag,
    KillAgent,
    /// The watchdog is killed some time after it has begun, in milliseconds of the guest.
    KillWatchdog(u64),
    RestartAgent,
    Reboot,
    PowerCut,
}

/// What is ordered, by what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    Healthy,
    Unhealthy,
    Failing,
}

impl System {
    const ALL: [(System, &str); 3] =
        [(System::Healthy, "healthy"), (System::Unhealthy, "unhealthy"), (System::Failing, "failing")];

    pub fn flake(self, flakes: &Flakes) -> &str {
        match self {
            System::Healthy => &flakes.healthy,
            System::Unhealthy => &flakes.unhealthy,
            System::Failing => &flakes.failing,
        }
    }
}

/// Beginning with an order, because without one nothing can go wrong.
pub fn sequences() -> impl Strategy<Value = Sequence, Tree: Send> {
    let system =
        prop_oneof![3 => Just(System::Healthy), 3 => Just(System::Unhealthy), 1 => Just(System::Failing)];
    let event = prop_oneof![
        4 => system.clone().prop_map(Event::Order),
        6 => sample::select(vec![3, 20, 125, 300, 599]).prop_map(Event::Pass),
        3 => Just(Event::Watch),
        1 => Just(Event::StaleFlag),
        1 => Just(Event::KillAgent),
        2 => sample::select(vec![1, 20, 100, 300]).prop_map(Event::KillWatchdog),
        1 => Just(Event::RestartAgent),
        1 => prop_oneof![Just(Event::Reboot), Just(Event::PowerCut)],
    ];
    let before = collection::vec(Just(Event::StaleFlag), 0..=1);
    (before, system, collection::vec(event, 3..=9)).prop_map(|(mut events, system, rest)| {
        events.push(Event::Order(system));
        events.extend(rest);
        Sequence(events)
    })
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Order(ordered) => {
                let name =
                    System::ALL.iter().find(|(system, _)| system == ordered).map_or("", |(_, name)| name);
                write!(f, "order {name}")
            }
            Event::Pass(seconds) => write!(f, "pass {seconds} s"),
            Event::Watch => f.write_str("watch"),
            Event::StaleFlag => f.write_str("stale flag"),
            Event::KillAgent => f.write_str("kill the agent"),
            Event::KillWatchdog(after) => write!(f, "kill the watchdog after {after} ms"),
            Event::RestartAgent => f.write_str("restart the agent"),
            Event::Reboot => f.write_str("reboot"),
            Event::PowerCut => f.write_str("power cut"),
        }
    }
}

impl FromStr for Sequence {
    type Err = String;

    /// One event a line. Empty lines and those that begin with `#` say nothing.
    fn from_str(text: &str) -> Result<Sequence, String> {
        let lines = text.lines().map(str::trim).enumerate();
        let events = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(number, line): (usize, &str)| {
            let event = line.parse();
            event.map_err(|()| {
                format!("line {}: {line:?} is no event: write one as a failing run does", number + 1)
            })
        };
        Ok(Sequence(events.map(read).collect::<Result<_, _>>()?))
    }
}

impl FromStr for Event {
    type Err = ();

    fn from_str(line: &str) -> Result<Event, ()> {
        let number = |before: &str, after: &str| {
            line.strip_prefix(before)?.strip_suffix(after)?.parse().ok().filter(|number| *number <= 86_400)
        };
        if let Some(name) = line.strip_prefix("order ") {
            let known = System::ALL.iter().find(|(_, known)| *known == name);
            return known.map(|(system, _)| Event::Order(*system)).ok_or(());
        }
        if let Some(seconds) = number("pass ", " s") {
            return Ok(Event::Pass(seconds));
        }
        if let Some(after) = number("kill the watchdog after ", " ms") {
            return Ok(Event::KillWatchdog(after));
        }
        match line {
            "watch" => Ok(Event::Watch),
            "stale flag" => Ok(Event::StaleFlag),
            "kill the agent" => Ok(Event::KillAgent),
            "restart the agent" => Ok(Event::RestartAgent),
            "reboot" => Ok(Event::Reboot),
            "power cut" => Ok(Event::PowerCut),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(sequence in sequences()) {
            prop_assert_eq!(sequence.to_string().parse::<Sequence>(), Ok(sequence));
        }
    }

    #[test]
    fn what_is_no_event_is_named_with_its_line() {
        let error = "# from a run\norder healthy\n\npass 1 minute\n".parse::<Sequence>().unwrap_err();
        assert_eq!(error, "line 4: \"pass 1 minute\" is no event: write one as a failing run does");
        assert!("pass 999999 s".parse::<Sequence>().is_err());
    }
}
