//! Which item goes into which shard.

use std::cmp::Reverse;
use std::time::Duration;

/// What goes into one shard as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    /// How long it took before, if that is known.
    pub took: Option<Duration>,
}

/// The shard of each item, counted from 0. The longest goes first into the shard that is shortest so far (R. L. Graham,
/// "Bounds on Multiprocessing Timing Anomalies", 1969, LPT), so that no two shards differ by more than the longest
/// item. What is unknown is taken for the median, and equals go by the hash of their names, so that the order of the
/// items does not matter and neighbours, which are often alike, part. No shard is empty unless there are more shards
/// than items.
///
/// The hash is BLAKE3, because shards are chosen on several machines, and std's may change.
pub fn split(items: &[Item], shards: u32) -> Vec<usize> {
    let unknown = median(items);
    let took = |item: &Item| item.took.unwrap_or(unknown).as_nanos();
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_cached_key(|index| {
        let item = &items[*index];
        (Reverse(took(item)), *blake3::hash(item.name.as_bytes()).as_bytes())
    });
    let mut sums = vec![(0_u128, 0_usize); shards as usize];
    let mut chosen = vec![0; items.len()];
    for index in order {
        // The first of equals. Also what takes no time counts, by its number.
        let Some((shard, sum)) = sums.iter_mut().enumerate().min_by_key(|(_, sum)| **sum) else { break };
        *sum = (sum.0 + took(&items[index]), sum.1 + 1);
        chosen[index] = shard;
    }
    chosen
}

/// How long each shard takes by that.
pub fn sums(items: &[Item], shards: u32) -> Vec<Duration> {
    let unknown = median(items);
    let mut sums = vec![Duration::ZERO; shards as usize];
    for (item, shard) in items.iter().zip(split(items, shards)) {
        sums[shard] = sums[shard].saturating_add(item.took.unwrap_or(unknown));
    }
    sums
}

/// The lower one of two in the middle; anything when nothing is known.
fn median(items: &[Item]) -> Duration {
    let mut known: Vec<Duration> = items.iter().filter_map(|item| item.took).collect();
    known.sort_unstable();
    known.get(known.len().saturating_sub(1) / 2).copied().unwrap_or(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::shard::Shard;

    fn items() -> impl Strategy<Value = Vec<Item>> {
        // Some equal, some instant.
        let took = option::of(prop_oneof![0..4_u64, 0..600_000_u64].prop_map(Duration::from_millis));
        btree_map("[a-c]{1,4}", took, 0..40)
            .prop_map(|items| items.into_iter().map(|(name, took)| Item { name, took }).collect())
    }

    fn by_name(items: &[Item], shards: u32) -> BTreeMap<String, usize> {
        items.iter().map(|item| item.name.clone()).zip(split(items, shards)).collect()
    }

    proptest! {
        #[test]
        fn every_item_is_in_exactly_one_shard(items in items(), shards in 1..9_u32) {
            let chosen: Vec<Vec<bool>> = Shard::all(shards).map(|shard| shard.chooses(&items)).collect();
            for (index, item) in items.iter().enumerate() {
                let times = chosen.iter().filter(|shard| shard[index]).count();
                prop_assert_eq!(times, 1, "{} is in {} shards", item.name, times);
            }
        }

        #[test]
        fn the_order_of_the_items_does_not_matter(
            (items, shuffled) in items().prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle())),
            shards in 1..9_u32,
        ) {
            prop_assert_eq!(by_name(&items, shards), by_name(&shuffled, shards));
        }

        #[test]
        fn no_two_shards_differ_by_more_than_the_longest_item(items in items(), shards in 1..9_u32) {
            let sums = sums(&items, shards);
            let longest = items.iter().map(|item| item.took.unwrap_or(median(&items))).max().unwrap_or_default();
            prop_assert!(*sums.iter().max().unwrap() - *sums.iter().min().unwrap() <= longest, "{:?}", sums);
        }

        #[test]
        fn no_shard_is_empty_while_there_are_items(items in items(), shards in 1..9_u32) {
            let used: BTreeSet<usize> = split(&items, shards).into_iter().collect();
            prop_assert_eq!(used.len(), items.len().min(shards as usize));
        }
    }

    /// Other machines must come to the same, also with a later compiler.
    #[test]
    fn the_choice_is_pinned() {
        let item =
            |name: &str, took: Option<u64>| Item { name: name.into(), took: took.map(Duration::from_secs) };
        let unknown = [
            "binfmt.flags",
            "binfmt.registered",
            "binfmt.mount-late",
            "binfmt.mount-never",
            "binfmt.nix-order",
        ];
        assert_eq!(split(&unknown.map(|name| item(name, None)), 2), [0, 0, 1, 0, 1]);
        let known =
            [item("a", Some(9)), item("b", Some(5)), item("c", None), item("d", Some(4)), item("e", Some(1))];
        assert_eq!(split(&known, 2), [0, 1, 0, 1, 1]);
    }

    #[test]
    fn what_is_unknown_is_taken_for_the_median() {
        let known = |took: &[u64]| -> Vec<Item> {
            let item = |took: &u64| Item { name: took.to_string(), took: Some(Duration::from_secs(*took)) };
            took.iter().map(item).chain([Item { name: "unknown".into(), took: None }]).collect()
        };
        assert_eq!(median(&known(&[3])), Duration::from_secs(3));
        assert_eq!(median(&known(&[1, 9])), Duration::from_secs(1));
        assert_eq!(median(&known(&[9, 1, 2])), Duration::from_secs(2));
    }
}
