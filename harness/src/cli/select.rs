//! Which checks the user asked for.

use std::collections::BTreeSet;
use std::path::Path;

use manifest::did_you_mean;
use record::Verdict;
use report::read;
use wildmatch::WildMatch;

use super::agenda::OfSuite;
use super::arguments::Selection;
use super::failure::Failure;
use crate::check::Check;

/// Those of a target's checks that are selected. A name that means nothing is an error: a typing mistake must not look like a
/// green run.
pub fn select(all: &[OfSuite], target: &str, selection: &Selection) -> Result<Vec<Check>, Failure> {
    for wanted in &selection.suites {
        let suite = WildMatch::new(wanted);
        if !all.iter().any(|(name, _)| suite.matches(name)) {
            let known = all.iter().map(|(suite, _)| suite.to_string());
            return Err(unknown("suite", wanted, target, known));
        }
    }
    let suites: Vec<WildMatch> = selection.suites.iter().map(|suite| WildMatch::new(suite)).collect();
    let chosen = |name: &str| suites.is_empty() || suites.iter().any(|suite| suite.matches(name));
    let chosen = all.iter().filter(|(suite, _)| chosen(suite));
    let mut checks: Vec<Check> = chosen.flat_map(|(_, checks)| checks).cloned().collect();
    for wanted in selection.only.iter().chain(&selection.exclude) {
        if !checks.iter().any(|check| means(wanted, check)) {
            let known = checks.iter().map(|check| check.invariant.name());
            return Err(unknown("invariant", wanted, target, known));
        }
    }
    let any = |patterns: &[String], check: &Check| patterns.iter().any(|pattern| means(pattern, check));
    checks.retain(|check| selection.only.is_empty() || any(&selection.only, check));
    checks.retain(|check| !any(&selection.exclude, check));
    if let Some(file) = &selection.rerun_failed {
        let failed = failed(file, target)?;
        checks.retain(|check| failed.contains(&check.invariant.name()));
    }
    Ok(checks)
}

/// `ID` means it on every variant of the target, `ID@VARIANT` on one, and `@VARIANT` all that is decided there.
fn means(pattern: &str, check: &Check) -> bool {
    let (invariant, wanted) = (&check.invariant, WildMatch::new(pattern));
    let variant = invariant.variant.as_ref().map(|variant| format!("@{variant}"));
    wanted.matches(&invariant.id)
        || wanted.matches(&invariant.name())
        || variant.is_some_and(|variant| wanted.matches(&variant))
}

/// What was neither seen to hold nor skipped in an earlier run of the target.
fn failed(file: &Path, target: &str) -> Result<BTreeSet<String>, Failure> {
    let earlier = read::document(file).map_err(Failure::usage)?;
    if earlier.target != target {
        let of = &earlier.target;
        return Err(Failure::usage(format!("{} is a report of {of}, not of {target}", file.display())));
    }
    let bad = |verdict: &Verdict| matches!(verdict, Verdict::Failed(_) | Verdict::Broken { .. });
    let decided = earlier.checks.into_iter().filter(|check| bad(&check.verdict)).map(|check| check.id);
    Ok(decided.chain(earlier.undecided).collect())
}

fn unknown(kind: &str, name: &str, target: &str, known: impl Iterator<Item = String>) -> Failure {
    let known: Vec<String> = known.collect();
    let meant = did_you_mean(name, &known);
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Failure::usage(format!("target {target} has no {kind} {name:?}{meant}; it has: {known}"))
}

#[cfg(test)]
mod tests {
    use record::Source;
    use rstest::rstest;

    use super::*;

    fn check(id: &'static str, variant: Option<&'static str>) -> Check {
        let check = Check::must(id, Source::new("runbook.md", "1"), "It holds.", holds);
        variant.into_iter().fold(check, Check::on)
    }

    async fn holds(_: &crate::Trial) -> record::Outcome {
        Ok(())
    }

    fn all() -> Vec<OfSuite> {
        let binfmt = vec![check("binfmt.flags", None), check("binfmt.executes", None)];
        let credentials =
            vec![check("credentials.many", Some("aarch64")), check("credentials.many", Some("x86_64"))];
        vec![("binfmt".into(), binfmt), ("credentials".into(), credentials)]
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[rstest]
    #[case("", "", "", "binfmt.flags binfmt.executes credentials.many@aarch64 credentials.many@x86_64")]
    #[case("b*", "", "", "binfmt.flags binfmt.executes")]
    #[case("", "binfmt.f*", "", "binfmt.flags")]
    #[case("", "credentials.many", "", "credentials.many@aarch64 credentials.many@x86_64")]
    #[case("", "@aarch??", "", "credentials.many@aarch64")]
    #[case("", "*.many@x*", "", "credentials.many@x86_64")]
    #[case("", "", "credentials.* binfmt.flags", "binfmt.executes")]
    #[case("binfmt", "*", "*.flags", "binfmt.executes")]
    fn patterns_select(
        #[case] suites: &str,
        #[case] only: &str,
        #[case] exclude: &str,
        #[case] selected: &str,
    ) {
        let [suites, only, exclude] = [suites, only, exclude].map(words);
        let selection = Selection { suites, only, exclude, rerun_failed: None };
        let checks = select(&all(), "demo", &selection).ok().unwrap();
        assert_eq!(checks.iter().map(|check| check.invariant.name()).collect::<Vec<_>>(), words(selected));
    }

    #[rstest]
    #[case("", "binfmt.flag", "did you mean")]
    #[case("binfmt.fl?", "", "has no invariant")]
    fn a_pattern_that_means_nothing_is_told(#[case] only: &str, #[case] exclude: &str, #[case] says: &str) {
        let [only, exclude] = [only, exclude].map(words);
        let selection = Selection { only, exclude, ..Selection::default() };
        let failure = select(&all(), "demo", &selection).err().unwrap().to_string();
        assert!(failure.contains(says), "{failure}");
    }

    fn report(target: &str) -> tempfile::NamedTempFile {
        let evidence = r#"{"machines": [], "transcript": [], "journal": "", "console": ""}"#;
        let ended = |id: &str, verdict: &str| {
            format!(
                r#"{{"id": "{id}", "family": "", "level": "must", "statement": "", "document": "", "section": "",
                "repetition": 1, {verdict}, "took": 1, "reproduce": "", "evidence": {evidence}}}"#
            )
        };
        let checks = [
            ended("binfmt.flags", r#""verdict": "failed", "expected": "", "observed": """#),
            ended("binfmt.executes", r#""verdict": "passed""#),
            ended("credentials.many@x86_64", r#""verdict": "broken", "reason": """#),
            ended("gone", r#""verdict": "broken", "reason": """#),
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!(
            r#"{{"format": 1, "purpose": "run", "target": "{target}", "started": 0, "took": 1, "interrupted": true,
            "status": 1, "undecided": ["credentials.many@aarch64"], "checks": [{}], "mutants": []}}"#,
            checks.join(", ")
        );
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn what_did_not_pass_is_tried_again() {
        let report = report("demo");
        let selection = Selection { rerun_failed: Some(report.path().into()), ..Selection::default() };
        let checks = select(&all(), "demo", &selection).ok().unwrap();
        let names: Vec<String> = checks.iter().map(|check| check.invariant.name()).collect();
        assert_eq!(names, ["binfmt.flags", "credentials.many@aarch64", "credentials.many@x86_64"]);
    }

    #[test]
    fn a_report_of_another_target_is_refused() {
        let report = report("other");
        let selection = Selection { rerun_failed: Some(report.path().into()), ..Selection::default() };
        let failure = select(&all(), "demo", &selection).err().unwrap().to_string();
        assert!(failure.ends_with("is a report of other, not of demo"), "{failure}");
    }
}
