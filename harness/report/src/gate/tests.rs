use std::time::Duration;

use junit::Verdict::{self, Broken, Failed, Passed, Skipped};
use junit::{Case, Flaky, read};
use rstest::rstest;

use super::sample::{case, report};
use super::{Day, Judgement, Kind, Policy, Reason, judge, markdown};

const TODAY: &str = "2026-01-31";

fn policy(text: &str) -> Policy {
    toml::from_str(text).unwrap()
}

fn judged(before: &[Case], after: &[Case], text: &str) -> Judgement {
    let [before, after] = [before, after].map(|cases| report(cases.iter().cloned()));
    judge(&before, &after, &policy(text), TODAY.parse::<Day>().unwrap()).unwrap()
}

/// What becomes of one case, `None` where a report does not have it, and why.
fn found(before: Option<Case>, after: Option<Case>, text: &str) -> (Kind, Vec<String>) {
    let judgement = judged(before.as_slice(), after.as_slice(), text);
    let [finding] = &judgement.findings[..] else { panic!("{judgement:?}") };
    (finding.kind, finding.reasons.iter().map(Reason::to_string).collect())
}

fn flags(verdict: Verdict) -> Case {
    case("omarchy.binfmt", "binfmt.flags", verdict)
}

fn flaky(passed: u32, of: u32) -> Case {
    Case { flaky: Some(Flaky { passed, of }), passed: 1, ..flags(Failed) }
}

fn took(seconds: u64) -> Case {
    Case { took: Some(Duration::from_secs(seconds)), ..flags(Passed) }
}

#[rstest]
#[case(Some(Passed), Some(Passed), Kind::Same)]
#[case(Some(Passed), Some(Failed), Kind::Regression)]
#[case(Some(Passed), Some(Broken), Kind::Regression)]
#[case(Some(Passed), Some(Skipped), Kind::Regression)]
#[case(Some(Passed), None, Kind::Regression)]
#[case(Some(Failed), Some(Passed), Kind::Fixed)]
#[case(Some(Broken), Some(Passed), Kind::Fixed)]
#[case(Some(Failed), Some(Failed), Kind::StillFailing)]
#[case(Some(Broken), Some(Failed), Kind::StillFailing)]
#[case(Some(Failed), Some(Broken), Kind::StillBroken)]
#[case(Some(Broken), Some(Broken), Kind::StillBroken)]
#[case(Some(Skipped), Some(Skipped), Kind::Same)]
#[case(Some(Skipped), Some(Passed), Kind::Changed)]
#[case(Some(Skipped), Some(Failed), Kind::Changed)]
#[case(Some(Failed), Some(Skipped), Kind::Changed)]
#[case(Some(Failed), None, Kind::Changed)]
#[case(None, Some(Passed), Kind::New)]
#[case(None, Some(Failed), Kind::New)]
fn without_a_policy(#[case] before: Option<Verdict>, #[case] after: Option<Verdict>, #[case] kind: Kind) {
    let reasons = if kind == Kind::Regression { vec!["passed before".to_owned()] } else { vec![] };
    assert_eq!(found(before.map(flags), after.map(flags), ""), (kind, reasons));
}

#[rstest]
#[case::failed_too(Some(Failed), Some(Failed), &["required"])]
#[case::new_and_failed(None, Some(Failed), &["required"])]
#[case::skipped_too(Some(Skipped), Some(Skipped), &["required"])]
#[case::gone(Some(Failed), None, &["required"])]
#[case::both(Some(Passed), Some(Failed), &["passed before", "required"])]
fn what_is_required_has_to_pass(
    #[case] before: Option<Verdict>,
    #[case] after: Option<Verdict>,
    #[case] reasons: &[&str],
) {
    let (kind, found) = found(before.map(flags), after.map(flags), "required = ['binfmt.flags']");
    assert_eq!(
        (kind, &found[..]),
        (Kind::Regression, &reasons.iter().map(|text| text.to_string()).collect::<Vec<_>>()[..])
    );
}

fn known(expires: &str) -> String {
    format!(
        "required = ['binfmt.flags']\n[[known-failure]]\ninvariant = 'binfmt.flags'\nreason = 'kernel 6.13'\n\
         owner = 'jane'\nexpires = {expires}"
    )
}

#[rstest]
#[case::failed(Failed, "2026-03-01", Kind::Excused, &["known until 2026-03-01 (jane: kernel 6.13)"])]
#[case::broken(Broken, "2026-03-01", Kind::Excused, &["known until 2026-03-01 (jane: kernel 6.13)"])]
#[case::its_last_day(Failed, TODAY, Kind::Excused, &["known until 2026-01-31 (jane: kernel 6.13)"])]
#[case::expired(Failed, "2026-01-30", Kind::Regression, &[
    "passed before", "counts again, because it was known until 2026-01-30 (jane: kernel 6.13)", "required",
])]
#[case::skipped(Skipped, "2026-03-01", Kind::Regression, &["passed before", "required"])]
#[case::passed(Passed, "2026-03-01", Kind::Same, &[])]
fn a_known_failure_is_excused_for_a_time(
    #[case] after: Verdict,
    #[case] expires: &str,
    #[case] kind: Kind,
    #[case] reasons: &[&str],
) {
    let (found, why) = found(Some(flags(Passed)), Some(flags(after)), &known(expires));
    assert_eq!((found, why), (kind, reasons.iter().map(|text| text.to_string()).collect()));
}

/// Else nobody would hear of it again: while it was excused, it went into the baseline.
#[test]
fn an_expired_known_failure_counts_though_it_failed_before() {
    let (kind, why) = found(Some(flags(Failed)), Some(flags(Failed)), &known("2026-01-30"));
    assert_eq!(kind, Kind::Regression);
    assert_eq!(why[0], "counts again, because it was known until 2026-01-30 (jane: kernel 6.13)");
}

#[test]
fn a_known_failure_that_passed_is_told() {
    let judgement = judged(&[flags(Failed)], &[flags(Passed)], &known("2026-03-01"));
    assert_eq!(judgement.notes, ["binfmt.flags is a known failure, and passed: remove it from the policy"]);
    assert_eq!(judgement.findings[0].kind, Kind::Fixed);
}

fn tolerance(expires: &str) -> String {
    format!(
        "[[flaky]]\ninvariant = 'binfmt.flags'\nmax-rate = 0.2\nreason = 'slow disk'\nowner = 'jane'\n\
         expires = {expires}"
    )
}

#[rstest]
#[case::rarely(flaky(8, 10), "2026-03-01", Kind::Excused, &["tolerated up to 20 % until 2026-03-01 (jane: slow disk)"])]
#[case::often(flaky(7, 10), "2026-03-01", Kind::Regression, &["passed before", "30 % did not pass, tolerated up to 20 %"])]
#[case::expired(flaky(8, 10), "2026-01-30", Kind::Regression, &[
    "passed before", "counts again, because it was tolerated until 2026-01-30 (jane: slow disk)",
])]
#[case::always(flags(Failed), "2026-03-01", Kind::Regression, &["passed before"])]
fn flakiness_is_tolerated_up_to_a_rate(
    #[case] after: Case,
    #[case] expires: &str,
    #[case] kind: Kind,
    #[case] reasons: &[&str],
) {
    let (found, why) = found(Some(flags(Passed)), Some(after), &tolerance(expires));
    assert_eq!((found, why), (kind, reasons.iter().map(|text| text.to_string()).collect()));
}

#[test]
fn flakiness_counts_without_a_policy() {
    assert_eq!(found(Some(flags(Passed)), Some(flaky(9, 10)), "").0, Kind::Regression);
}

#[rstest]
#[case::within(took(20), Kind::Same, None)]
#[case::over(took(21), Kind::Regression, Some("took 21.0 s, and may take 20.0 s"))]
#[case::unknown(
    flags(Passed),
    Kind::Regression,
    Some("may take 20.0 s, and the report does not say what it took")
)]
#[case::failed(Case { verdict: Failed, ..took(99) }, Kind::StillFailing, None)]
fn a_budget_is_kept(#[case] after: Case, #[case] kind: Kind, #[case] why: Option<&str>) {
    let before = if kind == Kind::StillFailing { flags(Failed) } else { took(20) };
    let found = found(Some(before), Some(after), "[[budget]]\ninvariant = 'binfmt.flags'\nseconds = 20");
    assert_eq!(found, (kind, why.map(str::to_owned).into_iter().collect()));
}

#[test]
fn a_changed_duration_is_told_and_does_not_count() {
    let judgement = judged(&[took(10)], &[took(30)], "");
    assert_eq!((judgement.findings[0].kind, judgement.status()), (Kind::Slower, 0));
    assert_eq!(judged(&[took(30)], &[took(10)], "").findings[0].kind, Kind::Faster);
    assert_eq!(judged(&[took(10)], &[took(30)], "[duration]\nratio = 4.0").findings[0].kind, Kind::Same);
}

#[test]
fn an_entry_of_several_targets_is_about_all_of_them() {
    let both =
        |verdict| [case("arm.binfmt", "binfmt.flags", verdict), case("x86.binfmt", "binfmt.flags", verdict)];
    let judgement = judged(&both(Passed), &both(Failed), &known("2026-03-01"));
    assert_eq!(judgement.of(Kind::Excused).count(), 2);
    let arm = known("2026-03-01").replace("'binfmt.flags'\nreason", "'arm.binfmt/binfmt.flags'\nreason");
    let judgement = judged(&both(Passed), &both(Failed), &arm);
    let kinds: Vec<_> = judgement.findings.iter().map(|found| (found.name.as_str(), found.kind)).collect();
    assert_eq!(
        kinds,
        [("arm.binfmt/binfmt.flags", Kind::Excused), ("x86.binfmt/binfmt.flags", Kind::Regression)]
    );
}

#[test]
fn an_entry_that_matches_nothing_is_refused() {
    let report = report([flags(Passed)]);
    let text = format!(
        "{}[[budget]]\ninvariant = 'binfmt.flag'\nseconds = 1",
        "required = ['binfmt', 'binfmt.flags']\n"
    );
    let error = judge(&report, &report, &policy(&text), TODAY.parse().unwrap()).unwrap_err();
    let said = "no case of either report is called \"binfmt\" (required), \"binfmt.flag\" (budget): correct or remove \
                what the policy says of it";
    assert_eq!(error.to_string(), said);
}

#[test]
fn a_name_that_is_there_twice_is_told() {
    let twice = Case { entries: 2, ..flags(Failed) };
    let judgement = judged(&[flags(Failed)], &[twice], "");
    assert_eq!(judgement.notes, ["binfmt.flags is in the candidate 2 times: the worst verdict counts"]);
}

/// What is found of two reports as producers write them, but for what is as before.
fn compared(before: &str, after: &str, text: &str) -> Vec<String> {
    let [before, after] = [before, after].map(|report| read(report.as_bytes()).unwrap());
    let judgement = judge(&before, &after, &policy(text), TODAY.parse().unwrap()).unwrap();
    let told = judgement.findings.iter().filter(|finding| finding.kind != Kind::Same).map(|finding| {
        let reasons: Vec<_> = finding.reasons.iter().map(Reason::to_string).collect();
        format!("{}, {} {}: {}", finding.kind.title(), finding.word(), finding.name, reasons.join("; "))
    });
    told.collect()
}

/// A suite with cases of which each is a name, and what is in it.
fn suite(attributes: &str, cases: &[(&str, &str)]) -> String {
    let cases: String = cases
        .iter()
        .map(|(name, inside)| {
            format!("<testcase classname='cart' name='{name}' time='1'>{inside}</testcase>")
        })
        .collect();
    format!("<testsuite {attributes}>{cases}</testsuite>")
}

fn suites(inside: &[String]) -> String {
    format!("<testsuites name='all'>{}</testsuites>", inside.concat())
}

const FAILURE: &str = "<failure message='no'/>";

#[rstest]
#[case::suite("name='firefox'", "name='chrome'", "chrome/cart/draws")]
#[case::host("name='draw' hostname='firefox'", "name='draw' hostname='chrome'", "draw/cart/draws (chrome)")]
#[case::file("name='draw' file='a.js'", "name='draw' file='b.js'", "draw/cart/draws (b.js)")]
#[case::package("name='draw' package='a'", "name='draw' package='b'", "draw/cart/draws (b)")]
fn an_old_failure_of_one_does_not_hide_a_new_one_of_another(
    #[case] one: &str,
    #[case] other: &str,
    #[case] name: &str,
) {
    let report = |inside| suites(&[suite(one, &[("draws", FAILURE)]), suite(other, &[("draws", inside)])]);
    let found = compared(&report(""), &report(FAILURE), "");
    assert_eq!(found[1..], [format!("regressions, failed {name}: passed before")]);
    let known = format!(
        "[[known-failure]]\ninvariant = '{name}'\nreason = 'slow'\nowner = 'jane'\nexpires = 2026-03-01"
    );
    assert!(compared(&report(""), &report(FAILURE), &known)[1].starts_with("excused"));
}

/// The name of the machine, where the sources lie, and a title that has a number.
#[test]
fn what_changes_for_no_reason_makes_no_other_case() {
    let report = |number: u32, inside| {
        let attributes =
            format!("name='draw {number}' hostname='runner-{number}' file='/builds/{number}/draw.js'");
        suites(&[suite(&attributes, &[("draws", ""), ("erases", inside)])])
    };
    assert_eq!(compared(&report(1, ""), &report(2, ""), ""), [""; 0]);
    assert_eq!(
        compared(&report(1, ""), &report(2, FAILURE), ""),
        ["regressions, failed erases: passed before"]
    );
}

/// As containers do, of which each job has its own.
#[test]
fn of_cases_that_only_changing_names_tell_apart_as_many_have_to_pass() {
    let report = |hosts: [&str; 2], inside: [&str; 2]| {
        let suite =
            |place: usize| suite(&format!("name='s' hostname='{}'", hosts[place]), &[("x", inside[place])]);
        suites(&[suite(0), suite(1)])
    };
    let before = report(["c0ffee", "beef"], ["", FAILURE]);
    let still = ["still failing, failed s/cart/x (dead): "];
    assert_eq!(compared(&before, &report(["dead", "feed"], [FAILURE, ""]), ""), still);
    let worse = compared(&before, &report(["dead", "feed"], [FAILURE, FAILURE]), "");
    assert_eq!(worse[0], "regressions, failed s/cart/x (feed): passed before");
    let gone = compared(&before, &suites(&[suite("name='s' hostname='dead'", &[("x", "")])]), "");
    assert_eq!(gone[0], "regressions, gone s/cart/x (c0ffee): passed before");
    let one = suites(&[suite("name='s' hostname='cafe'", &[("x", "")])]);
    assert_eq!(compared(&one, &report(["dead", "feed"], ["", ""]), ""), ["new, passed s/cart/x (feed): "]);
    let found = compared(&one, &before, "");
    assert_eq!(
        found,
        ["regressions, failed s/cart/x (beef): passed before", "new, passed s/cart/x (c0ffee): "]
    );
}

#[test]
fn what_is_in_suites_in_suites_counts() {
    let report =
        |inside| suites(&[suites(&[suite("name='a'", &[("x", inside)])]), suite("name='b'", &[("y", "")])]);
    assert_eq!(compared(&report(""), &report(FAILURE), ""), ["regressions, failed x: passed before"]);
}

#[rstest]
#[case::as_many(&["", ""], &["", ""], &[])]
#[case::fewer(&["", "", ""], &["", ""], &["regressions, passed x: passed 3 times before, 2 times now"])]
#[case::one_of_them_failed(&["", ""], &["", FAILURE], &["regressions, failed x: passed before"])]
#[case::one_more_of_them_failed(&["", "", FAILURE], &["", FAILURE, FAILURE], &[
    "regressions, failed x: passed 2 times before, once now",
])]
#[case::one_of_them_skipped(&["", ""], &["", "<skipped/>"], &["regressions, skipped x: passed before"])]
#[case::one_more_failed(&["", FAILURE], &["", FAILURE, FAILURE], &["still failing, failed x: "])]
#[case::the_failed_one_is_gone(&["", FAILURE], &[""], &["fixed, passed x: "])]
#[case::the_last_try_fails_too(&[FAILURE, ""], &[FAILURE, FAILURE], &["regressions, failed x: passed once before, never now"])]
#[case::nextest(&["<flakyFailure/>"], &["<failure/><rerunFailure/>"], &["regressions, failed x: passed once before, never now"])]
#[case::still_tried_again(&["<flakyFailure/>"], &["<flakyFailure/><flakyFailure/>"], &["still failing, failed x: "])]
fn entries_of_one_name_are_counted(
    #[case] before: &[&str],
    #[case] after: &[&str],
    #[case] expected: &[&str],
) {
    let report = |entries: &[&str]| {
        suite("name='s'", &entries.iter().map(|inside| ("x", *inside)).collect::<Vec<_>>())
    };
    assert_eq!(compared(&report(before), &report(after), ""), expected);
}

#[test]
fn a_policy_tolerates_a_test_that_was_tried_again_however_that_is_written() {
    let passed = suite("name='s'", &[("x", "")]);
    let tolerance =
        "[[flaky]]\ninvariant = 'x'\nmax-rate = 0.5\nreason = 'slow'\nowner = 'jane'\nexpires = 2026-03-01";
    for again in
        [suite("name='s'", &[("x", FAILURE), ("x", "")]), suite("name='s'", &[("x", "<flakyFailure/>")])]
    {
        assert_eq!(compared(&passed, &again, ""), ["regressions, failed x: passed before"]);
        let excused = "excused, failed x: tolerated up to 50 % until 2026-03-01 (jane: slow)";
        assert_eq!(compared(&passed, &again, tolerance), [excused]);
    }
}

#[rstest]
#[case::of_its_own("<error message='cannot tear down'/>", "")]
#[case::counted("", "errors='1'")]
#[case::lost("", "tests='3'")]
fn a_suite_that_failed_is_a_regression_where_it_was_there_before(#[case] inside: &str, #[case] counts: &str) {
    let report = |counts: &str, inside: &str| {
        let cart = format!("<testsuite name='cart' {counts}><testcase name='adds'/>{inside}</testsuite>");
        suites(&[cart, suite("name='other'", &[("x", "")])])
    };
    let found = compared(&report("", ""), &report(counts, inside), "");
    assert_eq!(
        found,
        ["regressions, broken cart/(a suite that failed): its suite was there before without it"]
    );
    let found = compared(&suite("name='other'", &[("x", "")]), &report(counts, inside), "");
    assert_eq!(found, ["new, passed adds: ", "new, broken cart/(a suite that failed): "]);
}

#[rstest]
#[case::surefire("")]
#[case::newer_surefire("initializationError")]
fn what_failed_after_all_tests_of_a_class_is_a_regression(#[case] name: &str) {
    let before = suite("name='s'", &[("adds", "")]);
    let shown = if name.is_empty() { "(no name)" } else { name };
    let found = compared(&before, &suite("name='s'", &[("adds", ""), (name, FAILURE)]), "");
    assert_eq!(found, [format!("regressions, failed cart/{shown}: its suite was there before without it")]);
}

/// Else GitHub would show nothing of it.
#[test]
fn a_summary_of_very_much_stays_small() {
    let long = "<".repeat(4000);
    let cases: Vec<Case> = (0..3000)
        .map(|number| Case {
            message: long.clone(),
            ..case("omarchy.binfmt", &format!("{long}{number}"), Failed)
        })
        .collect();
    let passed: Vec<Case> = cases.iter().cloned().map(|case| Case { verdict: Passed, ..case }).collect();
    let summary = markdown::summary(&judged(&passed, &cases, ""), None);
    assert!(summary.len() < 1 << 20, "{}", summary.len());
    assert!(summary.ends_with("\nand 2800 more\n\n"), "{}", &summary[summary.len() - 100..]);
}
