//! What is aimed at, and whether it was reached here and now.

use std::fmt;

use serde::Serialize;

use crate::compare;
use crate::memory;
use crate::row::Unit;
use crate::table::Table;
use crate::time::{BOOT_BOOTED, COLD_ANSWER, COLD_BOOTED, COPY_ANSWER, FORK_READY, PACE, TEN_MINUTES};

#[derive(Serialize)]
pub struct Aim {
    what: String,
    unit: Unit,
    wanted: Option<Bound>,
    measured: f64,
    reached: Option<bool>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// What is measured without being aimed at wants nothing. Aims are for two processors under emulation. Times are medians, memory is the largest.
pub fn all(table: &Table) -> Vec<Aim> {
    use Bound::{AtLeast, AtMost};
    let median = |name| table.row(name).map_or(f64::NAN, |row| row.median());
    let most = |name| table.row(name).map_or(f64::NAN, |row| row.most());
    let ratio = |slow, fast, wanted| {
        let what = format!("({slow}) / ({fast})");
        Aim::new(what, Unit::Times, wanted, median(slow) / median(fast))
    };
    let mut aims = vec![
        Aim::new(COPY_ANSWER, Unit::Seconds, Some(AtMost(0.30)), median(COPY_ANSWER)),
        ratio(COLD_ANSWER, COPY_ANSWER, Some(AtLeast(100.0))),
        ratio(COLD_BOOTED, COPY_ANSWER, Some(AtLeast(100.0))),
        ratio(COLD_BOOTED, FORK_READY, None),
        // A check that boots has to wait for that.
        Aim::new(BOOT_BOOTED, Unit::Seconds, Some(AtMost(12.0)), median(BOOT_BOOTED)),
        Aim::new(TEN_MINUTES, Unit::Seconds, Some(AtMost(8.0)), median(TEN_MINUTES)),
        Aim::new(PACE, Unit::SecondsPerSecond, Some(AtLeast(75.0)), median(PACE)),
        Aim::new(memory::READY.private, Unit::Megabytes, Some(AtMost(60.0)), most(memory::READY.private)),
        Aim::new(
            memory::AFTER_COMMAND.private,
            Unit::Megabytes,
            Some(AtMost(60.0)),
            most(memory::AFTER_COMMAND.private),
        ),
        ratio(compare::COLD, compare::FORK, None),
        ratio(compare::VMTEST, compare::FORK, None),
    ];
    // What was not measured here.
    aims.retain(|aim| aim.measured.is_finite());
    aims
}

impl Aim {
    fn new(what: impl Into<String>, unit: Unit, wanted: Option<Bound>, measured: f64) -> Aim {
        let reached = wanted.map(|bound| match bound {
            Bound::AtMost(limit) => measured <= limit,
            Bound::AtLeast(limit) => measured >= limit,
        });
        Aim { what: what.into(), unit, wanted, measured, reached }
    }
}

/// A line of a Markdown table.
impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = match self.wanted {
            Some(Bound::AtMost(limit)) => format!("≤ {}", self.unit.show(limit)),
            Some(Bound::AtLeast(limit)) => format!("≥ {}", self.unit.show(limit)),
            None => String::new(),
        };
        let reached = match self.reached {
            Some(true) => "reached",
            Some(false) => "**missed**",
            None => "",
        };
        write!(f, "| {} | {wanted} | {} | {reached} |", self.what, self.unit.show(self.measured))
    }
}
