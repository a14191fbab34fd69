//! What this project says of repetitions at the beginning of a case's output.

use super::Flaky;

/// The most of an output that is looked at, in bytes.
pub const HEAD_LIMIT: usize = 64 << 10;

/// How often a case was tried, and whether it was flaky.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    pub repetitions: u32,
    pub flaky: Option<Flaky>,
}

impl Head {
    /// Reads up to the first empty line. What comes after it was written by a guest.
    pub fn read(output: &str) -> Head {
        let lines = || output.lines().take_while(|line| !line.is_empty());
        let flaky = lines().next().and_then(flaky);
        // In the order in which they ended, which is any.
        let told = lines().filter_map(|line| line.strip_prefix("repetition ")?.split_once(": "));
        let told = told.filter(|(number, _)| number.parse::<u32>().is_ok()).count();
        let repetitions = flaky.map_or(u32::try_from(told).unwrap_or(u32::MAX), |flaky| flaky.of);
        Head { repetitions: repetitions.max(1), flaky }
    }
}

/// `flaky: 2 of 10`, and whatever follows.
fn flaky(line: &str) -> Option<Flaky> {
    let mut words = line.strip_prefix("flaky: ")?.split([' ', ',', ';', '(']);
    let passed = words.next()?.parse().ok()?;
    let of = words.nth(1)?.parse().ok()?;
    (passed < of).then_some(Flaky { passed, of })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("flaky: 2 of 10", Some((2, 10)))]
    #[case("flaky: 2 of 10 passed, 95 % between 6 % and 51 %", Some((2, 10)))]
    #[case("flaky: 2 of 10, and more", Some((2, 10)))]
    #[case::always("flaky: 10 of 10", None)]
    #[case::failed_or_broken("flaky: 0 of 10 passed", Some((0, 10)))]
    #[case::of_nothing("flaky: 0 of 0", None)]
    #[case::no_number("flaky: few of many", None)]
    #[case::too_many("flaky: 1 of 99999999999", None)]
    #[case::short("flaky: 1", None)]
    #[case::not_first("statement\nflaky: 2 of 10", None)]
    fn flakiness_is_the_first_line(#[case] output: &str, #[case] counts: Option<(u32, u32)>) {
        assert_eq!(Head::read(output).flaky, counts.map(|(passed, of)| Flaky { passed, of }));
    }

    #[rstest]
    #[case::none("statement\nmust: a.md, 1\n", 1)]
    #[case::three(
        "statement\nrepetition 1: passed, 1.0 s\nrepetition 2: passed, 1.0 s\nrepetition 3: failed, 1 s\n",
        3
    )]
    #[case::flaky("flaky: 2 of 5\nstatement\n", 5)]
    #[case::said_by_a_guest("statement\n\ncommands:\nrepetition 1: passed\nrepetition 2: passed\n", 1)]
    fn repetitions_are_counted(#[case] output: &str, #[case] repetitions: u32) {
        assert_eq!(Head::read(output).repetitions, repetitions);
    }
}
