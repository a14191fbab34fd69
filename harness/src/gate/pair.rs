//! Which case of the candidate is which of the baseline.

use std::collections::HashMap;

use crate::junit::{Case, Report};

/// The same case in both reports, as far as it is there.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    pub before: Option<&'a Case>,
    pub after: Option<&'a Case>,
    /// Whether no other case of either report has its name.
    pub unique: bool,
}

impl<'a> Pair<'a> {
    /// The case, as new as there is one.
    pub fn case(&self) -> &'a Case {
        self.after.or(self.before).expect("a pair is made of a case")
    }

    /// What people call it: its name, and where others have that too, its class and name.
    pub fn name(&self) -> String {
        let Case { class, name, .. } = self.case();
        if self.unique { name.clone() } else { format!("{class}/{name}") }
    }

    /// Whether a policy that says `name` means this case: by its name, or its class and name.
    pub fn is_called(&self, name: &str) -> bool {
        [self.before, self.after].into_iter().flatten().any(|case| {
            let class = || name.strip_suffix(case.name.as_str())?.strip_suffix('/');
            name == case.name || class() == Some(case.class.as_str())
        })
    }
}

/// What makes a case the same in both reports: its class and name. An invariant of ours is known by its id alone,
/// whatever the target that it was checked on is called, as long as that says which one it is.
#[derive(PartialEq, Eq, Hash)]
struct Identity<'a> {
    class: Option<&'a str>,
    name: &'a str,
}

/// All cases of both reports, those of the baseline first and in its order.
pub fn pairs<'a>(baseline: &'a Report, candidate: &'a Report) -> Vec<Pair<'a>> {
    let (old, new) = (count(baseline), count(candidate));
    let alone = |name| [&old, &new].iter().all(|count| count.get(name).is_none_or(|count| *count == 1));
    let identity = |case: &'a Case| Identity {
        class: (!(case.is_ours() && alone(case.name.as_str()))).then_some(case.class.as_str()),
        name: &case.name,
    };

    let mut pairs: Vec<Pair> = Vec::new();
    let mut places = HashMap::new();
    for case in &baseline.cases {
        places.insert(identity(case), pairs.len());
        pairs.push(Pair { before: Some(case), after: None, unique: true });
    }
    for case in &candidate.cases {
        match places.get(&identity(case)) {
            Some(place) => pairs[*place].after = Some(case),
            None => pairs.push(Pair { before: None, after: Some(case), unique: true }),
        }
    }

    let mut named: HashMap<&str, usize> = HashMap::new();
    for pair in &pairs {
        *named.entry(&pair.case().name).or_default() += 1;
    }
    for pair in &mut pairs {
        pair.unique = named[pair.case().name.as_str()] == 1;
    }
    pairs
}

fn count(report: &Report) -> HashMap<&str, usize> {
    let mut count = HashMap::new();
    for case in &report.cases {
        *count.entry(case.name.as_str()).or_default() += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::sample::{case, report};
    use crate::junit::Verdict::Passed;

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
            format!("{sign} {}", pair.name())
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
        let report = report([case("a/b", "c/d", Passed)]);
        let pair = Pair { before: None, after: report.cases.first(), unique: true };
        assert!(pair.is_called("c/d") && pair.is_called("a/b/c/d"));
        assert!(!pair.is_called("d") && !pair.is_called("b/c/d") && !pair.is_called("/c/d"));
    }
}
