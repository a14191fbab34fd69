//! `assay gate`.

use std::path::{Path, PathBuf};

use junit;
use report;
use report::gate::flake::{self, InputChange, Lock};
use report::gate::{self, Day, Judgement, Policy, github, judge, text};
use report::terminal::{Look, Style};

use super::arguments::Gate;
use super::failure::Failure;
use super::print::print;
use crate::property::Seed;

/// Compares two reports, and tells whether the second is good enough.
pub fn gate(options: &Gate) -> Result<u8, Failure> {
    if let Some(file) = &options.json {
        report::check_writable(file).map_err(Failure::usage)?;
    }
    let (judgement, today) = decide(options)?;
    let inputs = options.flake_lock.as_deref().map(inputs).transpose()?;
    tell(&judgement, inputs.as_deref())?;
    if let Some(file) = &options.json {
        let written = gate::json::write_file(file, &judgement, inputs.as_deref(), today);
        written.map_err(|error| Failure::broken("write a report", error))?;
    }
    Ok(judgement.status())
}

fn decide(options: &Gate) -> Result<(Judgement, Day), Failure> {
    let read = |file: &Path| junit::read_file(file).map_err(Failure::usage);
    let (baseline, candidate) = (read(&options.baseline)?, read(&options.candidate)?);
    let today = options.today.unwrap_or_else(Day::today);
    let judgement = match &options.policy {
        Some(file) => {
            let policy = Policy::load(file).map_err(Failure::usage)?;
            let judgement = judge(&baseline, &candidate, &policy, today);
            judgement.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?
        }
        None => judge(&baseline, &candidate, &Policy::default(), today).map_err(Failure::usage)?,
    };
    // Nothing must not look like nothing wrong.
    let empty = |file: &Path, why| Err(Failure::usage(format!("{} has no case: {why}", file.display())));
    if baseline.cases.is_empty() {
        return empty(&options.baseline, "there is nothing to compare with");
    }
    if candidate.cases.is_empty() && judgement.status() == 0 {
        return empty(&options.candidate, "nothing ran");
    }
    Ok((judgement, today))
}

/// What changed between two lock files.
fn inputs(files: &[PathBuf]) -> Result<Vec<InputChange>, Failure> {
    let [old, new] = files else { return Err(Failure::usage("--flake-lock takes two files")) };
    let load = |file: &Path| Lock::load(file).map_err(Failure::usage);
    let (old, new) = (load(old)?, load(new)?);
    Ok(flake::changes(&old, &new))
}

fn tell(judgement: &Judgement, inputs: Option<&[InputChange]>) -> Result<(), Failure> {
    let style = Style { colour: Look::of_stdout().colour };
    let text = text::text(judgement, inputs, style);
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return print(&text);
    }
    print(&github::inert(&text, &Seed::random().to_string()))?;
    print(&github::annotations(judgement))?;
    if let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) {
        let appended = github::append_summary(Path::new(&file), judgement, inputs);
        appended.map_err(|error| Failure::broken("write the summary of this step", error))?;
    }
    Ok(())
}
