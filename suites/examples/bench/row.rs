//! One thing that was measured, several times.

use std::fmt;

use serde::{Serialize, Serializer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    #[serde(rename = "s")]
    Seconds,
    /// A million bytes.
    #[serde(rename = "MB")]
    Megabytes,
    #[serde(rename = "times")]
    Times,
    /// Of the guest in a real one.
    #[serde(rename = "s/s")]
    SecondsPerSecond,
}

pub struct Row {
    pub name: &'static str,
    pub unit: Unit,
    pub samples: Vec<f64>,
}

impl Row {
    pub fn median(&self) -> f64 {
        let samples = self.sorted();
        let middle = samples.len() / 2;
        if samples.len() % 2 == 1 { samples[middle] } else { (samples[middle - 1] + samples[middle]) / 2.0 }
    }

    pub fn least(&self) -> f64 {
        self.sorted()[0]
    }

    pub fn most(&self) -> f64 {
        self.sorted()[self.samples.len() - 1]
    }

    fn sorted(&self) -> Vec<f64> {
        let mut samples = self.samples.clone();
        samples.sort_by(f64::total_cmp);
        samples
    }
}

impl Unit {
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::Seconds if value < 1.0 => format!("{value:.3} s"),
            Unit::Seconds => format!("{value:.1} s"),
            Unit::Megabytes => format!("{value:.1} MB"),
            Unit::Times => format!("{value:.0} ×"),
            Unit::SecondsPerSecond => format!("{value:.0} s/s"),
        }
    }
}

/// A line of a Markdown table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, least, most] =
            [self.median(), self.least(), self.most()].map(|value| self.unit.show(value));
        write!(f, "| {} | {median} | {least} | {most} | {} |", self.name, self.samples.len())
    }
}

/// With the median, so that nobody who reads the file has to compute it again.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut row = serializer.serialize_struct("Row", 6)?;
        row.serialize_field("name", self.name)?;
        row.serialize_field("unit", &self.unit)?;
        row.serialize_field("median", &self.median())?;
        row.serialize_field("least", &self.least())?;
        row.serialize_field("most", &self.most())?;
        row.serialize_field("samples", &self.samples)?;
        row.end()
    }
}
