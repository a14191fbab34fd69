//! How long checks took and how often they passed, over earlier runs.

use std::collections::BTreeMap;

use record::Verdict;
use record::text::line;
use serde::Serialize;

use crate::json::{self, Check, Document};
use crate::{Purpose, Rate};

/// The most runs of one target that are shown: the newest.
const RUNS: usize = 200;

#[derive(Serialize, Default)]
pub struct History {
    /// The oldest first.
    runs: Vec<Past>,
    /// Of every try in every run, one for each check of each target.
    rates: Vec<Known>,
}

/// One earlier run.
#[derive(Serialize)]
struct Past {
    target: String,
    started: u64,
    took: f64,
    checks: Vec<Point>,
}

/// One check in one run.
#[derive(Serialize)]
struct Point {
    id: String,
    /// The worst of its verdicts.
    verdict: &'static str,
    passed: u32,
    tries: u32,
    flaky: bool,
    /// Seconds that one try took on average.
    took: f64,
}

#[derive(Serialize)]
struct Known {
    target: String,
    #[serde(flatten)]
    rate: json::Rate,
}

impl History {
    /// Takes up one run, now or later. A proof is none, and the same run does not count twice.
    pub fn add(&mut self, document: &Document) {
        let past = Past::from(document);
        let known = |other: &Past| {
            (&other.target, other.started) == (&past.target, past.started) && other.took == past.took
        };
        if document.purpose == Purpose::Run && !self.runs.iter().any(known) {
            self.runs.push(past);
        }
    }

    /// Puts the runs in order, drops the oldest of very many, and computes the rates.
    pub fn finish(mut self) -> History {
        self.runs.sort_by(|one, other| (one.started, &one.target).cmp(&(other.started, &other.target)));
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        for past in &self.runs {
            *left.entry(past.target.clone()).or_default() += 1;
        }
        self.runs.retain(|past| {
            let left = left.entry(past.target.clone()).or_default();
            *left -= 1;
            *left < RUNS
        });
        self.rates = rates(&self.runs);
        self
    }
}

fn rates(runs: &[Past]) -> Vec<Known> {
    let mut points: BTreeMap<(&str, &str), Vec<&Point>> = BTreeMap::new();
    for past in runs {
        for point in &past.checks {
            points.entry((&point.id, &past.target)).or_default().push(point);
        }
    }
    let known = |((id, target), points): (&(&str, &str), &Vec<&Point>)| {
        let sum = |of: fn(&Point) -> u32| points.iter().map(|point| of(point)).fold(0, u32::saturating_add);
        let (passed, tries) = (sum(|point| point.passed), sum(|point| point.tries));
        // Over time a target changes, so only within one run does another verdict mean that chance had a part.
        let flaky = points.iter().any(|point| point.flaky);
        let rate = (tries > 0).then_some(Rate { passed, tries, flaky })?;
        Some(Known { target: (*target).to_owned(), rate: json::Rate::new(id, rate) })
    };
    points.iter().filter_map(known).collect()
}

impl From<&Document> for Past {
    fn from(document: &Document) -> Past {
        let mut checks: BTreeMap<&str, Vec<&Check>> = BTreeMap::new();
        for check in &document.checks {
            checks.entry(&check.id).or_default().push(check);
        }
        Past {
            target: line(&document.target),
            started: document.started,
            took: document.took,
            checks: checks.into_iter().filter_map(|(id, checks)| point(id, &checks)).collect(),
        }
    }
}

fn point(id: &str, checks: &[&Check]) -> Option<Point> {
    let verdicts = checks.iter().map(|check| &check.verdict);
    let rate = Rate::of(verdicts.clone());
    let worst: &Verdict = verdicts.reduce(|worst, next| if next.is_worse(worst) { next } else { worst })?;
    Some(Point {
        id: line(id),
        verdict: worst.word(),
        passed: rate.map_or(0, |rate| rate.passed),
        tries: rate.map_or(0, |rate| rate.tries),
        flaky: rate.is_some_and(|rate| rate.flaky),
        took: checks.iter().map(|check| check.took).sum::<f64>() / checks.len() as f64,
    })
}
