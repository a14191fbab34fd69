use insta::assert_snapshot;
use rstest::rstest;

use crate::place::{Place, failed, gated, passed};

fn place() -> Place {
    Place::new(&[&passed("binfmt.flags")], &[&passed("binfmt.flags")])
}

#[rstest]
#[case::no_baseline(&["--candidate", "a"], "--baseline <FILE>")]
#[case::no_candidate(&["--baseline", "a"], "--candidate <FILE>")]
#[case::no_day(&["--baseline", "a", "--candidate", "a", "--today", "soon"], "write it like 2026-01-31")]
fn wrong_options_end_with_status_2(#[case] arguments: &[&str], #[case] message: &str) {
    let mut command = assert_cmd::Command::cargo_bin("assay").unwrap();
    let gated = gated(command.arg("gate").args(arguments));
    assert_eq!(gated.status, 2, "{}", gated.complained);
    assert!(gated.complained.contains(message), "{}", gated.complained);
}

#[test]
fn a_report_that_cannot_be_read_is_named() {
    let said = |name: &str, content: Option<&str>| {
        let place = place();
        match content {
            Some(content) => drop(place.write(name, content)),
            None => std::fs::remove_file(place.path().join(name)).unwrap(),
        }
        let gated = place.gate(&[]);
        assert_eq!((gated.status, gated.said.as_str()), (2, ""));
        gated.complained
    };
    assert_snapshot!(said("baseline.xml", None), @"assay: cannot read baseline.xml: No such file or directory (os error 2)");
    assert_snapshot!(said("baseline.xml", Some("<testsuites/>")), @"assay: baseline.xml has no case: there is nothing to compare with");
    assert_snapshot!(said("baseline.xml", Some("<testsuite>\n<testcase name='a'>")), @"assay: baseline.xml, line 2: it ends inside <testcase>: it is cut off");
    assert_snapshot!(said("candidate.xml", Some("")), @"assay: candidate.xml, line 1: it is empty");
    assert_snapshot!(said("candidate.xml", Some("<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite/>")), @"assay: candidate.xml, line 1: it declares a document type, which could define entities: remove <!DOCTYPE ...>");
}

/// Else a run that decided nothing would pass wherever nothing passed before.
#[test]
fn nothing_is_no_good_candidate() {
    let gated = Place::new(&[&failed("binfmt.flags")], &[]).gate(&[]);
    assert_eq!(gated.status, 2);
    assert_snapshot!(gated.complained, @"assay: candidate.xml has no case: nothing ran");
    let gated = Place::new(&[&passed("binfmt.flags")], &[]).gate(&[]);
    assert_eq!(gated.status, 1, "all is gone");
}

#[test]
fn a_bad_policy_is_named_with_the_line() {
    let said = |policy: &str| {
        let gated = place().write("gate.toml", policy).gate(&["--policy", "gate.toml"]);
        assert_eq!((gated.status, gated.said.as_str()), (2, ""));
        gated.complained
    };
    let known =
        |line: &str| format!("[[known-failure]]\ninvariant = 'binfmt.flags'\n{line}\nowner = 'jane'\n");
    let day = "expires = 2026-01-31\n";
    assert_snapshot!(said("requird = []"), @r#"assay: gate.toml, line 1: unknown field `requird`, expected one of `required`, `duration`, `known-failure`, `flaky`, `budget` (did you mean "required"?)"#);
    assert_snapshot!(said(&known("why = 'it is slow'")), @"assay: gate.toml, line 3: unknown field `why`, expected one of `invariant`, `reason`, `owner`, `expires`");
    assert_snapshot!(said(&known("reason = 'it is slow'")), @"assay: gate.toml, line 1: missing field `expires`");
    assert_snapshot!(said(&(known("reason = ''") + day)), @r#"assay: gate.toml: known-failure "binfmt.flags": the reason and the owner must not be empty"#);
    assert_snapshot!(said(&(known("reason = 'slow'") + "expires = 'soon'")), @r#"assay: gate.toml, line 5: invalid type: string "soon", expected a TOML datetime"#);
    assert_snapshot!(said(&(known("reason = 'slow'") + "expires = 2026-01-31T00:00:00Z")), @r#"assay: gate.toml, line 5: "2026-01-31T00:00:00Z" is no day: write it like 2026-01-31"#);
    assert_snapshot!(said(&(known("reason = 'slow'") + day).repeat(2)), @r#"assay: gate.toml: known-failure "binfmt.flags": it is there twice"#);
    assert_snapshot!(said("[[flaky]]\ninvariant = 'binfmt.flags'\nmax-rate = 20\nreason = 'a'\nowner = 'b'\nexpires = 2026-01-31"), @r#"assay: gate.toml: flaky "binfmt.flags": max-rate must lie between 0 and 1"#);
    assert_snapshot!(said("[[budget]]\ninvariant = 'binfmt.flags'\nseconds = 0"), @r#"assay: gate.toml: budget "binfmt.flags": seconds must be more than 0"#);
    assert_snapshot!(said("[duration]\nratio = 0.5"), @"assay: gate.toml: duration: ratio must be at least 1");
    assert_snapshot!(said("required = ['binfmt.flag', 'binfmt.flags']"), @r#"assay: gate.toml: no case of either report is called "binfmt.flag" (required): correct or remove what the policy says of it"#);
    assert_snapshot!(place().gate(&["--policy", "missing.toml"]).complained, @"assay: cannot read missing.toml: No such file or directory (os error 2)");
}

#[test]
fn a_report_that_cannot_be_written_is_told_first() {
    let gated = place().gate(&["--json", "missing/gate.json"]);
    assert_eq!((gated.status, gated.said.as_str()), (2, ""));
    assert_snapshot!(gated.complained, @"assay: cannot write missing/gate.json: the directory missing does not exist");
}

/// The one that is shipped, and its examples, against a report in which every invariant passed.
#[test]
fn the_policy_of_this_project_speaks_of_its_invariants() {
    let policy = include_str!("../../../ci/gate.toml");
    let (explained, examples) = policy.split_once("# [[known-failure]]").unwrap();
    let examples = format!("# [[known-failure]]{examples}").replace("# ", "").replace("\n#\n", "\n");
    let examples: String =
        examples.lines().filter(|line| line.contains(['=', '['])).map(|line| format!("{line}\n")).collect();
    let checks =
        suites::CATALOGUE.iter().flat_map(|suite| suite.checks(&harness::Settings::default()).unwrap());
    let all = checks.map(|check| passed(&check.invariant.id));
    let all: String = all.collect();
    let place = Place::new(&[&all], &[&all]);
    for policy in [policy, &format!("{explained}\n{examples}")] {
        let gated = place.write("gate.toml", policy).gate(&["--policy", "gate.toml"]);
        assert_eq!((gated.status, gated.complained.as_str()), (0, ""), "{policy}");
    }
}
