//! Why something counts, or does not.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::policy::Excuse;
use crate::Span;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    PassedBefore,
    /// So many of its entries passed, if only when tried again.
    PassedMoreBefore {
        before: u32,
        after: u32,
    },
    /// Its class or suite was there before.
    NewInSuite,
    Required,
    KnownFailure {
        excuse: Excuse,
    },
    KnownFailureExpired {
        excuse: Excuse,
    },
    Tolerated {
        max_rate: f64,
        excuse: Excuse,
    },
    ToleranceExpired {
        excuse: Excuse,
    },
    TooFlaky {
        rate: f64,
        max_rate: f64,
    },
    OverBudget {
        seconds: f64,
        budget: f64,
    },
    /// It has a budget, and the report does not say how long it took.
    BudgetUnknown {
        budget: f64,
    },
}

impl Reason {
    /// Whether it makes a regression.
    pub fn counts(&self) -> bool {
        !matches!(self, Reason::KnownFailure { .. } | Reason::Tolerated { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::PassedBefore => f.write_str("passed before"),
            Reason::PassedMoreBefore { before, after } => {
                write!(f, "passed {} before, {} now", Times(*before), Times(*after))
            }
            Reason::NewInSuite => f.write_str("its suite was there before without it"),
            Reason::Required => f.write_str("required"),
            Reason::KnownFailure { excuse } => write!(f, "known until {excuse}"),
            Reason::KnownFailureExpired { excuse } => {
                write!(f, "counts again, because it was known until {excuse}")
            }
            Reason::Tolerated { max_rate, excuse } => {
                write!(f, "tolerated up to {} until {excuse}", Percent(*max_rate))
            }
            Reason::ToleranceExpired { excuse } => {
                write!(f, "counts again, because it was tolerated until {excuse}")
            }
            Reason::TooFlaky { rate, max_rate } => {
                write!(f, "{} did not pass, tolerated up to {}", Percent(*rate), Percent(*max_rate))
            }
            Reason::OverBudget { seconds, budget } => {
                write!(f, "took {}, and may take {}", Seconds(*seconds), Seconds(*budget))
            }
            Reason::BudgetUnknown { budget } => {
                write!(f, "may take {}, and the report does not say what it took", Seconds(*budget))
            }
        }
    }
}

impl fmt::Display for Excuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.expires, self.owner, self.reason)
    }
}

struct Times(u32);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("never"),
            1 => f.write_str("once"),
            times => write!(f, "{times} times"),
        }
    }
}

/// A share of one.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0 * 100.0)
    }
}

struct Seconds(f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(Duration::try_from_secs_f64(self.0).unwrap_or(Duration::MAX)).fmt(f)
    }
}
