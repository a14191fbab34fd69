//! Findings as text.

use std::fmt::Write;

use super::{Finding, State};

/// One line for what is fine or good to know, three for what is not there, and a last one that sums up.
pub fn render(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.need.len()).max().unwrap_or_default();
    let mut text = String::new();
    let (mut missing, mut absent) = (0, 0);
    for Finding { need, purpose, state } in findings {
        let (word, seen) = match state {
            State::Fine(seen) => ("fine", seen.as_str()),
            State::Missing { observed, .. } => ("MISSING", observed.as_str()),
            State::Absent { .. } => ("absent", "not found"),
            State::Note(note) => ("note", note.as_str()),
        };
        _ = writeln!(text, "{word:<7}  {need:<width$}  {seen}");
        let (count, end, fix) = match state {
            State::Missing { fix, .. } => (&mut missing, "to mend it", fix),
            State::Absent { fix } => (&mut absent, "to have it", fix),
            State::Fine(_) | State::Note(_) => continue,
        };
        *count += 1;
        _ = writeln!(text, "{:<7}  {purpose}\n{:<7}  {end}: {fix}", "", "");
    }
    text.push_str(&match (missing, absent) {
        (0, 0) => "Nothing is missing.\n".into(),
        (0, _) => "Nothing is missing that every run needs.\n".into(),
        (missing, _) => format!("{missing} missing. `ci/bootstrap` installs all that comes in packages.\n"),
    });
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::exit_status;
    use super::*;

    fn finding(need: &str, state: State) -> Finding {
        Finding { need: need.into(), purpose: format!("for images: it is {need}"), state }
    }

    #[rstest]
    #[case(vec![], 0)]
    #[case(vec![finding("dpkg", State::Fine("/usr/bin/dpkg".into()))], 0)]
    #[case(vec![finding("just", State::Absent { fix: "ci/bootstrap".into() })], 0)]
    #[case(vec![finding("/dev/kvm", State::Note("is not there".into()))], 0)]
    #[case(vec![finding("xz", State::Missing { observed: "not found".into(), fix: "pray".into() })], 3)]
    fn only_what_is_missing_counts(#[case] findings: Vec<Finding>, #[case] expected: u8) {
        assert_eq!(exit_status(&findings), expected);
    }

    #[test]
    fn all_kinds_of_findings() {
        let findings = [
            finding("qemu-system-aarch64", State::Fine("version 7.2.22".into())),
            finding(
                "mmdebstrap",
                State::Missing { observed: "not found".into(), fix: "apt-get install mmdebstrap".into() },
            ),
            finding("/dev/kvm", State::Note("is not there".into())),
        ];
        insta::assert_snapshot!(render(&findings), @r"
        fine     qemu-system-aarch64  version 7.2.22
        MISSING  mmdebstrap           not found
                 for images: it is mmdebstrap
                 to mend it: apt-get install mmdebstrap
        note     /dev/kvm             is not there
        1 missing. `ci/bootstrap` installs all that comes in packages.
        ");
    }

    #[test]
    fn what_is_absent_is_told_with_what_it_is_for() {
        let absent = finding("winscard.h", State::Absent { fix: "apt-get install libpcsclite-dev".into() });
        insta::assert_snapshot!(render(&[absent]), @r"
        absent   winscard.h  not found
                 for images: it is winscard.h
                 to have it: apt-get install libpcsclite-dev
        Nothing is missing that every run needs.
        ");
    }

    #[test]
    fn nothing_missing() {
        insta::assert_snapshot!(render(&[finding("dpkg", State::Fine("/usr/bin/dpkg".into()))]), @r"
        fine     dpkg  /usr/bin/dpkg
        Nothing is missing.
        ");
    }
}
