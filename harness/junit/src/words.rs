//! What producers call what became of a test, as the value of an attribute or the name of an element.

use super::Verdict;

/// What a word says, whatever its case and with or without `_`, `-` and spaces. Nothing for a word that is not known.
pub fn verdict(word: &str) -> Option<Verdict> {
    let letters: String = word.chars().filter(|letter| !" _-".contains(*letter)).collect();
    Some(match letters.to_lowercase().as_str() {
        // googletest and CTest say `run`, and googletest `completed`, of a test that failed too: then an element says it.
        // trx2junit writes `1`.
        "passed" | "pass" | "passing" | "ok" | "success" | "successful" | "succeeded" | "fixed" | "run"
        | "completed" | "1" | "true" => Verdict::Passed,
        "skipped" | "skip" | "ignored" | "ignore" | "disabled" | "notrun" | "notexecuted" | "suppressed"
        | "pending" | "todo" | "untested" | "xfail" | "expectedfailure" => Verdict::Skipped,
        "error" | "errored" | "broken" | "warning" | "risky" | "undefined" | "ambiguous" | "inconclusive"
        | "incomplete" | "interrupted" | "aborted" => Verdict::Broken,
        "failure" | "failed" | "fail" | "failing" | "ko" | "notok" | "timeout" | "timedout" | "crash"
        | "crashed" | "panicked" | "regression" | "xpass" | "unexpectedsuccess" => Verdict::Failed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::ginkgo("timedout", Some(Verdict::Failed))]
    #[case::test_ng("FAIL", Some(Verdict::Failed))]
    #[case::gatling("KO", Some(Verdict::Failed))]
    #[case::katalon("NOT_RUN", Some(Verdict::Skipped))]
    #[case::tap("not ok", Some(Verdict::Failed))]
    #[case::nunit("Inconclusive", Some(Verdict::Broken))]
    #[case::jenkins("FIXED", Some(Verdict::Passed))]
    #[case::trx2junit("0", None)]
    #[case::empty("", None)]
    #[case::nearly("passed with warnings", None)]
    #[case::long("pass, or so it seems", None)]
    fn words_are_known_by_their_letters(#[case] word: &str, #[case] said: Option<Verdict>) {
        assert_eq!(verdict(word), said);
    }
}
