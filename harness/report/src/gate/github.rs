//! What the gate says to GitHub Actions: annotations on the run, and a summary page.
//!
//! The format of both is in GitHub's documentation, "Workflow commands for GitHub Actions".

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::flake::InputChange;
use super::text::{short, why};
use super::{Judgement, Kind, markdown};

/// GitHub shows ten errors of a step and drops the rest.
const ANNOTATION_LIMIT: usize = 10;

/// An error for each regression, the last of which counts those that GitHub would not show.
pub fn annotations(judgement: &Judgement) -> String {
    let regressions: Vec<_> = judgement.of(Kind::Regression).collect();
    let shown = if regressions.len() > ANNOTATION_LIMIT { ANNOTATION_LIMIT - 1 } else { ANNOTATION_LIMIT };
    let mut out = String::new();
    for finding in regressions.iter().take(shown) {
        let title = format!("{} {}", short(&finding.name), finding.word());
        let message = match short(&finding.message) {
            message if message.is_empty() => why(finding),
            message => format!("{}\n{message}", why(finding)),
        };
        out.push_str(&format!("::error title={}::{}\n", property(&title), data(&message)));
    }
    if regressions.len() > shown {
        out.push_str(&format!("::error title=More regressions::{} more\n", regressions.len() - shown));
    }
    out
}

/// Text during which the runner takes no line for a command, whatever it says. The token must be one that nobody
/// who wrote a report can know.
pub fn inert(text: &str, token: &str) -> String {
    format!("::stop-commands::{token}\n{text}::{token}::\n")
}

/// Adds a summary to the page of the run, which is the file that `$GITHUB_STEP_SUMMARY` names.
pub fn append_summary(file: &Path, judgement: &Judgement, inputs: Option<&[InputChange]>) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(markdown::summary(judgement, inputs).as_bytes())
}

/// What stands after the second `::` of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands after the `=` of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
