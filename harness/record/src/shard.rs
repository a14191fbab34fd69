//! The parts that a selection of checks is split into, so that several machines can share a run.

mod split;

use std::fmt;
use std::str::FromStr;

pub use split::{Item, split, sums};

/// The most shards. GitHub runs no more jobs of one matrix (Actions limits, "Job matrix").
pub const MOST: u32 = 256;

/// One part of several, written `2/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    number: u32,
    of: u32,
}

/// Where a run's checks come from that is only one shard.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cut {
    pub shard: Shard,
    /// The names of all checks that were selected, in the order of the catalogue.
    pub from: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("write it like 2/3, the second of three; there are at most {MOST}")]
pub struct ShardError;

impl Shard {
    /// Every shard of so many.
    pub fn all(of: u32) -> impl Iterator<Item = Shard> {
        (1..=of).map(move |number| Shard { number, of })
    }

    /// Counts from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether each item is in this shard.
    pub fn chooses(self, items: &[Item]) -> Vec<bool> {
        split(items, self.of).into_iter().map(|shard| shard + 1 == self.number as usize).collect()
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let (number, of) = text.split_once('/').ok_or(ShardError)?;
        let [number, of] = [number, of].map(|digits| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| plain)
        });
        match (number, of) {
            (Some(number @ 1..), Some(of @ ..=MOST)) if number <= of => Ok(Shard { number, of }),
            _ => Err(ShardError),
        }
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Shard, ShardError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> String {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1/1")]
    #[case("2/3")]
    #[case("256/256")]
    fn is_read_as_it_is_written(#[case] text: &str) {
        assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("")]
    #[case("1")]
    #[case("/")]
    #[case("0/2")]
    #[case("3/2")]
    #[case("1/0")]
    #[case("+1/2")]
    #[case(" 1/2")]
    #[case("1/2/3")]
    #[case("1/257")]
    #[case("1/99999999999")]
    fn is_refused(#[case] text: &str) {
        assert!(text.parse::<Shard>().is_err());
        assert!(serde_json::from_value::<Shard>(text.into()).is_err());
    }
}
