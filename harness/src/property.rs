//! Properties over machines: the same check for many random values.

use std::fmt;
use std::future::Future;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use record::{Outcome, Stop};

/// Where a sequence of random choices begins. `ASSAY_SEED` sets it, and a failure prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

/// How many times a failing value is made simpler to tell what matters: each time machines are started.
pub const SIMPLIFICATIONS: u32 = 6;

impl Seed {
    /// Reads a seed as it is printed.
    pub fn parse(text: &str) -> Option<Seed> {
        u64::from_str_radix(text, 16).ok().map(Seed)
    }

    pub fn random() -> Seed {
        let mut bytes = [0; 8];
        // The clock is a poor seed, but a property with a poor seed is better than none.
        if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            bytes =
                now.unwrap_or_default().subsec_nanos().to_le_bytes().repeat(2).try_into().unwrap_or(bytes);
        }
        Seed(u64::from_le_bytes(bytes))
    }

    /// The same sequence for the same seed and check, another for every repetition.
    pub fn for_repetition(self, repetition: u32) -> Seed {
        Seed(self.0.wrapping_add(u64::from(repetition - 1)))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Tries a property for this many random values, one after the other. A value that violates it is made
/// simpler while it still does, at most so many times, and named in the violation with the seed that leads
/// to it.
pub async fn for_all<S, F, Tried>(
    seed: Seed,
    cases: u32,
    simplifications: u32,
    strategy: S,
    property: F,
) -> Outcome
where
    S: Strategy,
    S::Value: Clone,
    F: Fn(S::Value) -> Tried,
    Tried: Future<Output = Outcome>,
{
    let found = search(seed, cases, simplifications, strategy, property).await?;
    found.map_or(Ok(()), |Found { case, value, stop }| {
        Err(stop.at(format!("with {value:?} (case {case} of seed {seed})")))
    })
}

/// A value for which a property does not hold, or could not be decided.
pub struct Found<V> {
    /// Which one it was, counted from 1.
    pub case: u32,
    /// The simplest that was found.
    pub value: V,
    pub stop: Stop,
}

/// As [`for_all`], for whoever wants the value itself.
pub async fn search<S, F, Tried>(
    seed: Seed,
    cases: u32,
    simplifications: u32,
    strategy: S,
    property: F,
) -> Result<Option<Found<S::Value>>, Stop>
where
    S: Strategy,
    S::Value: Clone,
    F: Fn(S::Value) -> Tried,
    Tried: Future<Output = Outcome>,
{
    let mut runner = runner(seed);
    for case in 1..=cases {
        let mut tree = strategy
            .new_tree(&mut runner)
            .map_err(|reason| Stop::Broken(format!("no value could be chosen: {reason}")))?;
        let value = tree.current();
        let Err(stop) = property(value.clone()).await else { continue };
        let Stop::Violated(mut violation) = stop else { return Ok(Some(Found { case, value, stop })) };
        let mut simplest = value;
        for _ in 0..simplifications {
            if !tree.simplify() {
                break;
            }
            let simpler = tree.current();
            match property(simpler.clone()).await {
                Err(Stop::Violated(still)) => (violation, simplest) = (still, simpler),
                Ok(()) if tree.complicate() => {}
                // What can't be decided any more must not hide what was.
                _ => break,
            }
        }
        return Ok(Some(Found { case, value: simplest, stop: Stop::Violated(violation) }));
    }
    Ok(None)
}

/// The values that [`for_all`] would try.
pub fn choices<S: Strategy>(seed: Seed, cases: u32, strategy: S) -> Result<Vec<S::Value>, Stop> {
    let mut runner = runner(seed);
    (0..cases)
        .map(|_| match strategy.new_tree(&mut runner) {
            Ok(tree) => Ok(tree.current()),
            Err(reason) => Err(Stop::Broken(format!("no value could be chosen: {reason}"))),
        })
        .collect()
}

fn runner(seed: Seed) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.0.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use record::expect;

    use super::*;

    #[tokio::test]
    async fn the_same_seed_tries_the_same_values() {
        let tried = |seed| async move {
            let values = Mutex::new(Vec::new());
            let property = |value: u32| {
                values.lock().unwrap().push(value);
                std::future::ready(Ok(()))
            };
            for_all(seed, 20, 0, 0..1000_u32, property).await.unwrap();
            values.into_inner().unwrap()
        };
        let seed = Seed::parse("00000000000004d2").unwrap();
        assert_eq!(tried(seed).await, tried(seed).await);
        assert_eq!(tried(seed).await, choices(seed, 20, 0..1000_u32).unwrap());
        assert_ne!(tried(seed).await, tried(seed.for_repetition(2)).await);
    }

    #[tokio::test]
    async fn a_violation_names_a_simpler_value_and_the_seed() {
        let property = |value: u32| async move { expect(value < 10, "less than 10", value) };
        let seed = Seed::parse("1").unwrap();
        // Every step halves what is left of the range.
        let tried = for_all(seed, 5, 10, 500..1000_u32, property).await;
        let Err(Stop::Violated(violation)) = tried else { panic!("the property does not hold") };
        assert!(violation.observed.starts_with("500, with 500"), "{}", violation.observed);
        assert!(violation.observed.ends_with("of seed 0000000000000001)"), "{}", violation.observed);
    }

    #[tokio::test]
    async fn what_cannot_be_decided_is_broken() {
        let property = |_: u32| async { Err(Stop::Broken("the machine died".into())) };
        let outcome = for_all(Seed::random(), 3, 0, 0..9_u32, property).await;
        assert!(
            matches!(outcome, Err(Stop::Broken(reason)) if reason.starts_with("the machine died, with "))
        );
    }
}
