use insta::assert_snapshot;

use crate::place::{Gated, Place, failed, gated, passed};

/// In a step of a job, with the token that no report can know made one that a test can.
fn in_actions(place: &Place) -> Gated {
    let mut command = place.command(&[]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", place.path().join("summary.md"));
    let mut gated = gated(&mut command);
    let (_, rest) = gated.said.split_once("::stop-commands::").expect("no line of a report is a command");
    let token = rest.lines().next().unwrap().to_owned();
    assert_eq!(token.len(), 16);
    gated.said = gated.said.replace(&token, "TOKEN");
    gated
}

#[test]
fn regressions_are_annotations_and_a_summary() {
    let place = Place::new(&[&passed("binfmt.flags")], &[&failed("binfmt.flags")]);
    place.write("summary.md", "# An earlier step\n\n");
    let gated = in_actions(&place);
    assert_eq!((gated.status, gated.complained.as_str()), (1, ""));
    assert_snapshot!(gated.said, @"
    ::stop-commands::TOKEN
    regressions
      failed  binfmt.flags: passed before
              the flags POC

    gate: 1 regression
    ::TOKEN::
    ::error title=binfmt.flags failed::passed before%0Athe flags POC
    ");
    assert_snapshot!(place.read("summary.md"), @r#"
    # An earlier step

    ## Gate: 1 regression

    ### regressions

    | Now | Case | Why | Observed |
    |---|---|---|---|
    | failed | binfmt\.flags | passed before | the flags POC |
    "#);
}

#[test]
fn what_a_report_says_is_no_command_and_no_markup() {
    let name = "binfmt.a,b:c%0A::error::forged&#10;##[add-mask]x";
    let place = Place::new(&[&passed(name)], &[&failed(name).replace(
        "the flags POC",
        "%0A::set-output name=a::b | [click](https://example.com) &lt;img src=x&gt; `code` *bold* @everybody \\|",
    )]);
    let gated = in_actions(&place);
    assert_snapshot!(gated.said, @r#"
    ::stop-commands::TOKEN
    regressions
      failed  binfmt.a,b:c%0A::error::forged\n##[add-mask]x: passed before
              %0A::set-output name=a::b | [click](https://example.com) <img src=x> `code` *bold* @everybody \|

    gate: 1 regression
    ::TOKEN::
    ::error title=binfmt.a%2Cb%3Ac%250A%3A%3Aerror%3A%3Aforged\n##[add-mask]x failed::passed before%0A%250A::set-output name=a::b | [click](https://example.com) <img src=x> `code` *bold* @everybody \|
    "#);
    assert_snapshot!(place.read("summary.md"), @r#"
    ## Gate: 1 regression

    ### regressions

    | Now | Case | Why | Observed |
    |---|---|---|---|
    | failed | binfmt\.a,b\:c%0A\:\:error\:\:forged\\n\#\#\[add-mask\]x | passed before | %0A\:\:set-output name=a\:\:b \| \[click\](https\://example\.com) &lt;img src=x&gt; \`code\` \*bold\* \@everybody \\\| |
    "#);
}

#[test]
fn more_regressions_than_are_shown_are_counted() {
    let names: Vec<String> = (0..12).map(|number| format!("binfmt.i{number}")).collect();
    let all = |case: fn(&str) -> String| names.iter().map(|name| case(name)).collect::<String>();
    let place = Place::new(&[&all(passed)], &[&all(failed)]);
    let said = in_actions(&place).said;
    let annotations: Vec<&str> = said.lines().filter(|line| line.starts_with("::error")).collect();
    assert_eq!(annotations.len(), 10);
    assert_snapshot!(annotations[9], @"::error title=More regressions::3 more");
}

#[test]
fn a_summary_that_cannot_be_written_is_told() {
    let place = Place::new(&[&passed("binfmt.flags")], &[&passed("binfmt.flags")]);
    let mut command = place.command(&[]);
    let gated = gated(command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "missing/summary.md"));
    assert_eq!(gated.status, 3);
    assert_snapshot!(gated.complained, @"assay: cannot write the summary of this step: No such file or directory (os error 2)");
}
