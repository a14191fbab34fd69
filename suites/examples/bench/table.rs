//! All that was measured, in the order in which it first was.

use std::time::Duration;

use crate::row::{Row, Unit};

#[derive(Default)]
pub struct Table(pub Vec<Row>);

impl Table {
    pub fn time(&mut self, name: &'static str, took: Duration) {
        self.add(name, Unit::Seconds, took.as_secs_f64());
    }

    pub fn size(&mut self, name: &'static str, bytes: u64) {
        self.add(name, Unit::Megabytes, bytes as f64 / 1e6);
    }

    /// How much faster than real time guest time passed.
    pub fn pace(&mut self, name: &'static str, guest: Duration, real: Duration) {
        self.add(name, Unit::SecondsPerSecond, guest.as_secs_f64() / real.as_secs_f64());
    }

    pub fn row(&self, name: &str) -> Option<&Row> {
        self.0.iter().find(|row| row.name == name)
    }

    fn add(&mut self, name: &'static str, unit: Unit, sample: f64) {
        match self.0.iter_mut().find(|row| row.name == name) {
            Some(row) => row.samples.push(sample),
            None => self.0.push(Row { name, unit, samples: vec![sample] }),
        }
    }
}
