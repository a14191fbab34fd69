//! Which of the selected checks run here, when they are shared out, and in which order.

use std::cmp::Reverse;
use std::time::Duration;

use record::shard::Item;
use record::{Cut, Need};
use report::Durations;

use super::arguments::Part;
use super::failure::Failure;
use crate::check::Check;

/// The checks of the shard that the user asked for, and what they were cut from; or all of them. The longest comes
/// first, so that it does not keep the others waiting at the end.
pub fn cut(target: &str, checks: Vec<Check>, part: &Part) -> Result<(Vec<Check>, Option<Cut>), Failure> {
    let durations = Durations::read(&part.durations).map_err(Failure::usage)?;
    let (mut checks, cut) = share(target, checks, part, &durations);
    // Of what nobody knows, that takes longest which boots a machine.
    let guess =
        |check: &Check| if check.needs.contains(&Need::Boot) { Duration::MAX } else { Duration::ZERO };
    checks
        .sort_by_key(|check| Reverse(durations.of(target, &check.invariant).unwrap_or_else(|| guess(check))));
    Ok((checks, cut))
}

fn share(target: &str, checks: Vec<Check>, part: &Part, durations: &Durations) -> (Vec<Check>, Option<Cut>) {
    let Some(shard) = part.shard else { return (checks, None) };
    let items = items(target, &checks, durations);
    let chosen = shard.chooses(&items);
    let here = checks.into_iter().zip(chosen).filter_map(|(check, chosen)| chosen.then_some(check));
    let here = here.collect();
    (here, Some(Cut { shard, from: items.into_iter().map(|item| item.name).collect() }))
}

/// What is split: the checks, each with how long it took.
pub fn items(target: &str, checks: &[Check], durations: &Durations) -> Vec<Item> {
    let item =
        |check: &Check| Item { name: check.invariant.name(), took: durations.of(target, &check.invariant) };
    checks.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use record::{Outcome, Source, Text};

    use super::*;
    use crate::Trial;

    async fn nothing(_: &Trial) -> Outcome {
        Ok(())
    }

    fn check<const N: usize>(id: &'static str, needs: [Need; N]) -> Check {
        Check::must(id, Source::new("demo.md", "Order"), "", nothing).needs(needs)
    }

    fn ids(report: Option<&str>) -> Vec<Text> {
        let place = tempfile::tempdir().unwrap();
        let durations = report.map(|report| {
            let file = place.path().join("report.xml");
            std::fs::write(&file, report).unwrap();
            file
        });
        let checks = vec![
            check("demo.quick", []),
            check("demo.boots", [Need::Boot]),
            check("demo.slow", [Need::Undo]),
            check("demo.new", [Need::Undo]),
        ];
        let part = Part { shard: None, durations: durations.into_iter().collect() };
        let (checks, cut) = cut("demo", checks, &part).unwrap_or_else(|_| panic!("a good report"));
        assert!(cut.is_none());
        checks.into_iter().map(|check| check.invariant.id).collect()
    }

    #[test]
    fn what_took_longest_comes_first() {
        let case =
            |name: &str, time: u32| format!("<testcase classname='demo.demo' name='{name}' time='{time}'/>");
        let cases = [case("demo.quick", 1), case("demo.boots", 20), case("demo.slow", 40)].concat();
        let report = format!("<testsuite>{cases}</testsuite>");
        assert_eq!(ids(Some(&report)), ["demo.slow", "demo.boots", "demo.quick", "demo.new"]);
    }

    #[test]
    fn of_what_nobody_knows_a_boot_comes_first() {
        assert_eq!(ids(None), ["demo.boots", "demo.quick", "demo.slow", "demo.new"]);
    }
}
