//! Whether what a host says tells of a credential that is not sent.

use harness::{Outcome, expect};

/// How much of what was said goes into a sentence, in lines and in characters of each.
const LINES: usize = 6;
const CHARACTERS: usize = 120;

/// What was said has a line with this name that was not said when all was well: in whatever words, and whatever is
/// said of every credential alike.
pub fn reported(name: &str, said: &str, when_well: &str, what: &str) -> Outcome {
    let usual: Vec<String> = when_well.lines().map(alike).collect();
    let telling = |line: &&str| alike(line).contains(&alike(name)) && !usual.contains(&alike(line));
    let lines: Vec<String> = said.lines().map(|line| line.chars().take(CHARACTERS).collect()).collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("; ");
    expect(
        said.lines().any(|line| telling(&line)),
        format!(
            "the journal of the host's services names {name}, {what}, in a line that is not there otherwise"
        ),
        format!("no line does; the last are {last:?}"),
    )
}

/// A line without what differs from one credential's name, run or process to the next: api-key is API_KEY.
fn alike(line: &str) -> String {
    let plain = line.to_lowercase().replace('_', "-");
    let mut alike = String::new();
    for c in plain.chars() {
        // A name may have digits, and so has what tells of it; how many bytes it has may not.
        if !(c.is_ascii_digit() && alike.ends_with('#')) {
            alike.push(if c.is_ascii_digit() { '#' } else { c });
        }
    }
    alike
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WELL: &str =
        "Loading\n\u{2713} Loaded API_KEY from credentials\n\u{2713} Loaded JWT_SECRET (88 bytes)";

    #[rstest]
    #[case::any_words("warning: host-jwt-secret: no such file", true)]
    #[case::any_spelling("JWT_SECRET is not sent", true)]
    #[case::beside_others("sent: api-key; not sent: jwt-secret", true)]
    #[case::said_of_all("\u{2713} Loaded JWT_SECRET (0 bytes)", false)]
    #[case::of_another("api-key is missing", false)]
    #[case::of_none("a credential is missing", false)]
    fn a_report_names_what_is_missing_and_is_said_only_then(#[case] line: &str, #[case] holds: bool) {
        let said = format!("Loading\n{line}\n");
        assert_eq!(reported("jwt-secret", &said, WELL, "which is missing").is_ok(), holds);
    }
}
