//! Which case of the candidate is which of the baseline.
//!
//! Cases are the same when all that their producers say of them is. But some of that changes for no reason: the name of the
//! machine, where the sources lie there, a title that a suite has. So those that have no mate are looked at again with less
//! of it, as long as none of those that look the same then is known by more, and the candidate has at least as many of them.
//! Where they are several, the good ones are taken for the good ones, and of too many the bad ones are taken: whichever it
//! is, no loss is hidden.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use junit::{Case, Name, Report, Scope};

/// The same case in both reports, as far as it is there.
#[derive(Debug, Clone)]
pub struct Pair<'a> {
    pub before: Option<&'a Case>,
    pub after: Option<&'a Case>,
    /// What people call it: its name, and as much more of what it is known by as it takes to tell it from others.
    pub name: String,
    /// Whether it is new, and says that something failed in a class or suite that was there before.
    pub is_in_known_suite: bool,
}

impl<'a> Pair<'a> {
    /// The case, as new as there is one.
    pub fn case(&self) -> &'a Case {
        self.after.or(self.before).expect("a pair is made of a case")
    }

    /// Whether a policy that says `name` means this case: by its name, its class and name, or as people call it.
    pub fn is_called(&self, name: &str) -> bool {
        let cases = [self.before, self.after].into_iter().flatten();
        name == self.name
            || cases.into_iter().any(|case| {
                let class = || name.strip_suffix(case.name.as_str())?.strip_suffix('/');
                name == case.name || class() == Some(case.class.as_str())
            })
    }
}

/// What of a case has to be equal.
#[derive(Debug, Clone, Copy)]
struct Level {
    hosts: bool,
    sources: bool,
    suites: bool,
    /// An invariant of ours is known by its id alone, whatever the target that it was checked on is called.
    class: bool,
}

/// From all that a producer says to the least.
const LEVELS: [Level; 6] = [
    Level { hosts: true, sources: true, suites: true, class: true },
    Level { hosts: false, sources: true, suites: true, class: true },
    Level { hosts: true, sources: false, suites: true, class: true },
    Level { hosts: false, sources: false, suites: true, class: true },
    Level { hosts: false, sources: false, suites: false, class: true },
    Level { hosts: false, sources: false, suites: false, class: false },
];

#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    hosts: Option<&'a [Name]>,
    sources: Option<&'a [Name]>,
    suites: Option<&'a [Name]>,
    class: Option<&'a str>,
    name: &'a str,
}

impl Level {
    /// What has to be equal, if cases like this one may be known by no more.
    fn key<'a>(&self, case: &'a Case) -> Option<Key<'a>> {
        (self.class || case.is_ours()).then_some(Key {
            hosts: self.hosts.then_some(&case.place.hosts),
            sources: self.sources.then_some(&case.place.sources),
            suites: self.suites.then_some(&case.place.suites),
            class: self.class.then_some(&case.class),
            name: &case.name,
        })
    }
}

/// All cases of both reports, those of the baseline first and in its order.
pub fn pairs<'a>(baseline: &'a Report, candidate: &'a Report) -> Vec<Pair<'a>> {
    let mates = mates(&baseline.cases, &candidate.cases);
    let mated: HashSet<usize> = mates.iter().flatten().copied().collect();
    let pair = |before, after| Pair { before, after, name: String::new(), is_in_known_suite: false };
    let known = baseline.cases.iter().zip(mates);
    let known = known.map(|(case, mate)| pair(Some(case), mate.map(|mate| &candidate.cases[mate])));
    let new = candidate.cases.iter().enumerate().filter(|(place, _)| !mated.contains(place));
    let mut pairs: Vec<Pair> = known.chain(new.map(|(_, case)| pair(None, Some(case)))).collect();
    name(&mut pairs);
    mark_in_known_suites(&mut pairs, baseline);
    pairs
}

/// For each case of the baseline the place of the same in the candidate.
fn mates(old: &[Case], new: &[Case]) -> Vec<Option<usize>> {
    #[derive(Default)]
    struct Group {
        old: Vec<usize>,
        new: Vec<usize>,
        /// Whether any of them is known by more.
        is_known: bool,
    }
    let mut mates = vec![None; old.len()];
    let mut mated = vec![false; new.len()];
    for level in LEVELS {
        if mates.iter().all(Option::is_some) {
            break;
        }
        let mut groups: HashMap<Key, Group> = HashMap::new();
        for (place, case) in old.iter().enumerate() {
            let Some(key) = level.key(case) else { continue };
            let group = groups.entry(key).or_default();
            if mates[place].is_some() { group.is_known = true } else { group.old.push(place) }
        }
        for (place, case) in new.iter().enumerate() {
            let Some(key) = level.key(case) else { continue };
            let group = groups.entry(key).or_default();
            if mated[place] { group.is_known = true } else { group.new.push(place) }
        }
        for mut group in
            groups.into_values().filter(|group| !group.is_known && group.old.len() <= group.new.len())
        {
            // The worst first.
            group.old.sort_by_key(|place| Reverse(old[*place].verdict));
            group.new.sort_by_key(|place| Reverse(new[*place].verdict));
            for (one, other) in group.old.into_iter().zip(group.new) {
                (mates[one], mated[other]) = (Some(other), true);
            }
        }
    }
    mates
}

/// Gives each the shortest name that no other has.
fn name(pairs: &mut [Pair]) {
    let mut alike: Vec<usize> = (0..pairs.len()).collect();
    for form in [short, with_class, with_suites, with_all] {
        let mut count: HashMap<String, usize> = HashMap::new();
        for place in &alike {
            pairs[*place].name = form(pairs[*place].case());
            *count.entry(pairs[*place].name.clone()).or_default() += 1;
        }
        alike.retain(|place| count[&pairs[*place].name] > 1);
    }
}

fn short(case: &Case) -> String {
    match case.scope {
        Scope::Test => case.name.clone(),
        // Which does not say what it is about.
        Scope::Class | Scope::Suite => with_class(case),
    }
}

fn with_class(case: &Case) -> String {
    format!("{}/{}", case.class, case.name)
}

fn with_suites(case: &Case) -> String {
    let suites = case.place.suites.iter().map(|suite| &**suite);
    let class = Some(&*case.class).filter(|class| suites.clone().next_back() != Some(class));
    suites.chain(class).chain([&*case.name]).collect::<Vec<_>>().join("/")
}

fn with_all(case: &Case) -> String {
    let rest: Vec<&str> = case.place.hosts.iter().chain(&case.place.sources).map(|name| &**name).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join(", ")) };
    format!("{}{rest}", with_suites(case))
}

/// A new test that fails makes nothing worse. But what failed in a class or suite that was there before is no new test.
fn mark_in_known_suites(pairs: &mut [Pair], baseline: &Report) {
    let mut classes = HashSet::new();
    // All that a place is in, and the root.
    let mut suites: HashSet<&[Name]> = HashSet::from([&[][..]]);
    for case in &baseline.cases {
        classes.insert(case.class.as_str());
        let all = case.place.suites.as_slice();
        (1..=all.len()).rev().take_while(|depth| suites.insert(&all[..*depth])).for_each(drop);
    }
    for pair in pairs.iter_mut().filter(|pair| pair.before.is_none()) {
        let case = pair.case();
        pair.is_in_known_suite = case.verdict.is_bad()
            && match case.scope {
                Scope::Test => false,
                Scope::Class => classes.contains(case.class.as_str()),
                Scope::Suite => suites.contains(case.place.suites.as_slice()),
            };
    }
}

#[cfg(test)]
mod tests {
    use junit::Verdict::Passed;

    use super::*;
    use crate::gate::sample::{case, report};

    fn names(baseline: &[(&str, &str)], candidate: &[(&str, &str)]) -> Vec<String> {
        let made =
            |cases: &[(&str, &str)]| report(cases.iter().map(|(class, name)| case(class, name, Passed)));
        let (baseline, candidate) = (made(baseline), made(candidate));
        let told = |pair: &Pair| {
            let sign = match (pair.before, pair.after) {
                (Some(_), Some(_)) => '=',
                (Some(_), None) => '-',
                (None, _) => '+',
            };
            format!("{sign} {}", pair.name)
        };
        pairs(&baseline, &candidate).iter().map(told).collect()
    }

    #[test]
    fn an_invariant_is_known_by_its_id_on_another_target() {
        let told = names(&[("omarchy.binfmt", "binfmt.flags")], &[("mine.binfmt", "binfmt.flags")]);
        assert_eq!(told, ["= binfmt.flags"]);
    }

    #[test]
    fn an_invariant_of_two_targets_is_known_by_both() {
        let both = [("arm.binfmt", "binfmt.flags"), ("x86.binfmt", "binfmt.flags")];
        assert_eq!(names(&both, &both), ["= arm.binfmt/binfmt.flags", "= x86.binfmt/binfmt.flags"]);
        assert_eq!(names(&both, &both[1..]), ["- arm.binfmt/binfmt.flags", "= x86.binfmt/binfmt.flags"]);
        assert_eq!(names(&both[..1], &both), ["= arm.binfmt/binfmt.flags", "+ x86.binfmt/binfmt.flags"]);
    }

    /// Anybody may call a test `works`.
    #[test]
    fn the_test_of_another_project_is_known_by_its_class_too() {
        let told = names(&[("one", "works"), ("two", "fast")], &[("three", "works"), ("two", "fast")]);
        assert_eq!(told, ["- one/works", "= fast", "+ three/works"]);
    }

    #[test]
    fn a_policy_may_say_the_class() {
        let (none, report) = (Report::default(), report([case("a/b", "c/d", Passed)]));
        let [pair] = &pairs(&none, &report)[..] else { panic!("there is one case") };
        assert!(pair.is_called("c/d") && pair.is_called("a/b/c/d"));
        assert!(!pair.is_called("d") && !pair.is_called("b/c/d") && !pair.is_called("/c/d"));
    }
}
