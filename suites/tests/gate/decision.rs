use insta::assert_snapshot;

use crate::place::{Place, broken, failed, flaky, passed, skipped};

const FLAGS: &str = "binfmt.flags";
const ORDER: &str = "binfmt.nix-order";

/// What a gate says of one case that passed, and becomes `candidate`; beside it there is one that passes.
fn becomes(candidate: &[&str], policy: &str, status: i32) -> String {
    let other = passed(ORDER);
    let candidate: Vec<&str> = candidate.iter().copied().chain([other.as_str()]).collect();
    let place = Place::new(&[&passed(FLAGS), &other], &candidate);
    let gated = place.write("gate.toml", policy).gate(&["--policy", "gate.toml"]);
    assert_eq!((gated.status, gated.complained.as_str()), (status, ""), "{}", gated.said);
    gated.said
}

#[test]
fn nothing_changed() {
    assert_snapshot!(becomes(&[&passed(FLAGS)], "", 0), @"gate: no regression, 2 as before");
}

#[test]
fn a_regression() {
    assert_snapshot!(becomes(&[&failed(FLAGS)], "", 1), @"
    regressions
      failed  binfmt.flags: passed before
              the flags POC

    gate: 1 regression, 1 as before
    ");
    assert_snapshot!(becomes(&[&broken(FLAGS)], "", 1), @"
    regressions
      broken  binfmt.flags: passed before
              the guest agent went away

    gate: 1 regression, 1 as before
    ");
}

#[test]
fn gone() {
    assert_snapshot!(becomes(&[], "", 1), @"
    regressions
      gone    binfmt.flags: passed before

    gate: 1 regression, 1 as before
    ");
}

#[test]
fn newly_skipped() {
    assert_snapshot!(becomes(&[&skipped(FLAGS)], "", 1), @"
    regressions
      skipped binfmt.flags: passed before
              there is no card reader

    gate: 1 regression, 1 as before
    ");
}

fn known(expires: &str) -> String {
    format!(
        "[[known-failure]]\ninvariant = \"binfmt.flags\"\nreason = \"kernel 6.13 changed it\"\nowner = \"jane\"\n\
         expires = {expires}\n"
    )
}

#[test]
fn a_known_failure() {
    assert_snapshot!(becomes(&[&failed(FLAGS)], &known("2026-01-31"), 0), @"
    excused
      failed  binfmt.flags: known until 2026-01-31 (jane: kernel 6.13 changed it)

    gate: no regression, 1 excused, 1 as before
    ");
    assert_snapshot!(becomes(&[&passed(FLAGS)], &known("2026-01-31"), 0), @"
    notes
      binfmt.flags is a known failure, and passed: remove it from the policy

    gate: no regression, 2 as before
    ");
}

#[test]
fn an_expired_known_failure() {
    assert_snapshot!(becomes(&[&failed(FLAGS)], &known("2026-01-30"), 1), @"
    regressions
      failed  binfmt.flags: passed before; counts again, because it was known until 2026-01-30 (jane: kernel 6.13 changed it)
              the flags POC

    gate: 1 regression, 1 as before
    ");
    let both = [&*failed(FLAGS)];
    let gated =
        Place::new(&both, &both).write("gate.toml", &known("2026-01-30")).gate(&["--policy", "gate.toml"]);
    assert_eq!(gated.status, 1, "it counts again, though it failed before");
    assert_snapshot!(gated.said, @"
    regressions
      failed  binfmt.flags: counts again, because it was known until 2026-01-30 (jane: kernel 6.13 changed it)
              the flags POC

    gate: 1 regression
    ");
}

#[test]
fn a_flaky_case() {
    assert_snapshot!(becomes(&[&flaky(FLAGS, 8, 10)], "", 1), @"
    regressions
      failed  binfmt.flags: flaky, 8 of 10 passed; passed before
              the flags POC

    gate: 1 regression, 1 as before
    ");
    let tolerance = "[[flaky]]\ninvariant = \"binfmt.flags\"\nmax-rate = 0.2\nreason = \"slow disk\"\n\
                     owner = \"jane\"\nexpires = 2026-02-28\n";
    assert_snapshot!(becomes(&[&flaky(FLAGS, 8, 10)], tolerance, 0), @"
    excused
      failed  binfmt.flags: flaky, 8 of 10 passed; tolerated up to 20 % until 2026-02-28 (jane: slow disk)

    gate: no regression, 1 excused, 1 as before
    ");
    assert_snapshot!(becomes(&[&flaky(FLAGS, 7, 10)], tolerance, 1), @"
    regressions
      failed  binfmt.flags: flaky, 7 of 10 passed; passed before; 30 % did not pass, tolerated up to 20 %
              the flags POC

    gate: 1 regression, 1 as before
    ");
    // Surefire and nextest say it so, of a case that they take for passed.
    let retried = "<testcase name=\"binfmt.flags\" classname=\"omarchy.binfmt\"><flakyFailure message=\"the flags POC\"/></testcase>";
    assert_snapshot!(becomes(&[retried], "", 1), @"
    regressions
      failed  binfmt.flags: flaky, 1 of 2 passed; passed before
              the flags POC

    gate: 1 regression, 1 as before
    ");
}

#[test]
fn what_is_required() {
    let policy = "required = [\"binfmt.flags\", \"binfmt.new\"]\n";
    assert_snapshot!(becomes(&[&passed(FLAGS), &failed("binfmt.new")], policy, 1), @"
    regressions
      failed  binfmt.new: required
              the flags POC

    gate: 1 regression, 2 as before
    ");
    assert_snapshot!(becomes(&[&passed(FLAGS), &passed("binfmt.new")], policy, 0), @"
    new
      passed  binfmt.new

    gate: no regression, 1 new, 2 as before
    ");
}

#[test]
fn over_budget() {
    let policy = "[[budget]]\ninvariant = \"binfmt.flags\"\nseconds = 1\n";
    assert_snapshot!(becomes(&[&passed(FLAGS)], policy, 1), @"
    regressions
      passed  binfmt.flags: took 1.5 s, and may take 1.0 s

    gate: 1 regression, 1 as before
    ");
}

#[test]
fn everything_at_once() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| format!("binfmt.{name}"));
    let [a, b, c, d, e, f, g, h] = names.each_ref().map(String::as_str);
    let slow = passed(g).replace("1.5", "99");
    let baseline = [failed(a), failed(b), broken(c), skipped(d), failed(e), passed(g), slow.replace(g, h)];
    let candidate = [passed(a), failed(b), broken(c), failed(d), failed(f), failed(f), slow, passed(h)];
    let place =
        Place::new(&baseline.each_ref().map(String::as_str), &candidate.each_ref().map(String::as_str));
    let gated = place.gate(&["--json", "gate.json"]);
    assert_eq!(gated.status, 0);
    assert_snapshot!(gated.said, @"
    fixed
      passed  binfmt.a: failed before

    new
      failed  binfmt.f
              the flags POC

    still failing
      failed  binfmt.b: failed before

    still broken
      broken  binfmt.c: broken before

    changed otherwise
      failed  binfmt.d: skipped before
              the flags POC
      gone    binfmt.e: failed before

    slower
      passed  binfmt.g: 1 min 39 s, 1.5 s before

    faster
      passed  binfmt.h: 1.5 s, 1 min 39 s before

    notes
      binfmt.f is in the candidate 2 times: the worst verdict counts

    gate: no regression, 1 fixed, 1 new, 1 still failing, 1 still broken, 2 changed otherwise, 1 slower, 1 faster
    ");
    assert_snapshot!("json", place.read("gate.json"));
}

#[test]
fn what_a_report_says_cannot_act() {
    let hostile = failed("binfmt.&#27;[2Jflags&#10;gate: no regression");
    let gated = Place::new(&[&passed(FLAGS)], &[&hostile.replace("POC", "&#155;&#x202e;POC")]).gate(&[]);
    assert_snapshot!(gated.said, @r#"
    regressions
      gone    binfmt.flags: passed before

    new
      failed  binfmt.\x1b[2Jflags\ngate: no regression
              the flags \u{9b}\u{202e}POC

    gate: 1 regression, 1 new
    "#);
}

#[test]
fn of_other_producers() {
    let place = Place::new(&[], &[]);
    let suite = |cases: &str| format!("<testsuite name='com.example.Cart'>{cases}</testsuite>");
    place.write("baseline.xml", &suite("<testcase classname='com.example.Cart' name='adds'/>"));
    place.write("candidate.xml", &suite("<testcase classname='com.example.Basket' name='adds'/>"));
    let gated = place.gate(&[]);
    assert_eq!(gated.status, 1);
    assert_snapshot!(gated.said, @"
    regressions
      gone    com.example.Cart/adds: passed before

    new
      passed  com.example.Basket/adds

    gate: 1 regression, 1 new
    ");
}

#[test]
fn what_is_new_in_suites_in_suites() {
    let failed = include_str!("../../../harness/tests/fixtures/wanted/13-nested-same-inner.xml");
    let worse = failed.replace(
        "<testcase name=\"draws\" time=\"1\"/>",
        "<testcase name=\"draws\"><error message=\"lost\"/></testcase>",
    );
    let place = Place::new(&[], &[]);
    place.write("baseline.xml", failed).write("candidate.xml", &worse);
    let gated = place.gate(&[]);
    assert_eq!(gated.status, 1);
    assert_snapshot!(gated.said, @"
    regressions
      broken  chrome on XP/unit tests/main/draws: passed before
              lost

    still failing
      failed  firefox on XP/unit tests/main/draws: failed before

    gate: 1 regression, 1 still failing
    ");
}
