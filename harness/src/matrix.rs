//! The jobs that a continuous integration service spreads the checks of all targets over.

use std::time::Duration;

use record::Shard;
use record::shard::{Item, sums};
use serde::Serialize;

/// What `strategy.matrix` of GitHub Actions takes.
#[derive(Debug, Serialize)]
pub struct Matrix {
    pub include: Vec<Job>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// What `assay run` takes.
    pub target: String,
    /// What `--shard` takes.
    pub shard: Shard,
    /// Both, as the name of a file may be.
    pub name: String,
}

/// How many shards a target has.
#[derive(Debug, Clone, Copy)]
pub enum Size {
    Shards(u32),
    /// As few as have no shard take longer, checks one after the other, than this.
    Within(Duration),
}

/// The jobs of one target, which the program finds by this argument: none is without a check.
pub fn jobs(argument: &str, target: &str, items: &[Item], size: Size) -> Vec<Job> {
    let most = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let shards = match size {
        Size::Shards(shards) => shards.min(most),
        // What was never measured says nothing of the number.
        Size::Within(_) if items.iter().all(|item| item.took.is_none()) => most.min(1),
        Size::Within(limit) => {
            let fits = |shards: &u32| sums(items, *shards).into_iter().all(|sum| sum <= limit);
            (1..most).find(fits).unwrap_or(most)
        }
    };
    let job = |shard: Shard| {
        let name = format!("{target}-{}-of-{}", shard.number(), shard.of());
        Job { target: argument.to_owned(), shard, name }
    };
    Shard::all(shards).map(job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn items(took: &[Option<u64>]) -> Vec<Item> {
        let item = |(index, took): (usize, &Option<u64>)| Item {
            name: index.to_string(),
            took: took.map(Duration::from_secs),
        };
        took.iter().enumerate().map(item).collect()
    }

    fn within(took: &[Option<u64>], seconds: u64) -> usize {
        jobs("omarchy", "omarchy", &items(took), Size::Within(Duration::from_secs(seconds))).len()
    }

    #[rstest]
    #[case::all_fit(&[Some(20), Some(30), Some(10)], 60, 1)]
    #[case::two_are_needed(&[Some(20), Some(30), Some(11)], 60, 2)]
    #[case::one_is_too_long_by_itself(&[Some(100), Some(30), Some(30)], 60, 3)]
    #[case::what_is_unknown_counts(&[Some(40), None], 60, 2)]
    #[case::nothing_is_known(&[None, None], 1, 1)]
    #[case::nothing_is_there(&[], 1, 0)]
    fn as_few_as_fit(#[case] took: &[Option<u64>], #[case] seconds: u64, #[case] jobs: usize) {
        assert_eq!(within(took, seconds), jobs);
    }

    #[test]
    fn no_job_is_without_a_check() {
        let jobs = jobs("omarchy", "omarchy", &items(&[None, None]), Size::Shards(9));
        let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(names, ["omarchy-1-of-2", "omarchy-2-of-2"]);
    }
}
