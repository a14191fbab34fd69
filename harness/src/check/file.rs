//! The checks of a target's own: `checks.toml` beside its file, and the programs in `checks/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab::{Edit, Mutant, Target};
use machine::COMMAND_LIMIT;
use manifest::{Document, ManifestError};
use record::{Invariant, Level, Need, Source};
use serde::Deserialize;
use toml::Spanned;

use super::Check;
use super::command::{Command, What};
use crate::runner::CHECK_LIMIT;

const FILE: &str = "checks.toml";
const PROGRAMS: &str = "checks";

/// The largest program that is brought to a machine, in bytes.
const LARGEST: u64 = 16 << 20;

/// What a command or a program by itself can make use of.
const NEEDS: [Need; 2] = [Need::Undo, Need::Boot];

#[derive(Debug, thiserror::Error)]
pub enum CheckFileError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: {reason}", .program.display())]
    Program { program: PathBuf, reason: String },
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckFile {
    #[serde(default, rename = "check")]
    checks: Vec<Entry>,
}

/// One check, as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    statement: Option<String>,
    /// A document, and after a comma its section.
    source: Option<String>,
    #[serde(default = "must")]
    level: Level,
    #[serde(default)]
    needs: Vec<Spanned<Need>>,
    /// The kind of machine that it decides about, where the target has several.
    stage: Option<Spanned<String>>,
    /// A shell command; none where a program of this name decides.
    run: Option<String>,
    /// In seconds.
    limit: Option<Spanned<NonZero<u32>>>,
    #[serde(default)]
    mutants: Vec<Change>,
}

/// A mutant, as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: String,
    /// A shell command that makes it.
    run: String,
    #[serde(default)]
    boots: bool,
}

fn must() -> Level {
    Level::Must
}

/// Reads them. The ids in `taken` are others'.
pub fn load(target: &Target, taken: &BTreeSet<&str>) -> Result<Vec<Check>, CheckFileError> {
    let directory = target.document().directory();
    let mut programs = programs(&directory.join(PROGRAMS))?;
    let file = directory.join(FILE);
    let mut checks = Vec::new();
    if file.exists() {
        let document = Document::read(&file)?;
        let CheckFile { checks: entries } = document.parse()?;
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for entry in entries {
            let at = entry.id.span().start;
            let id = entry.id.get_ref().clone();
            let wrong = |reason: String| Err(document.wrong(at, reason).into());
            if let Err(reason) = plain(&id) {
                return wrong(reason);
            }
            if taken.contains(&*id) {
                return wrong(format!("{id} is a check of a suite that the target uses: take another id"));
            }
            if let Some(line) = seen.insert(id.clone(), document.line_at(at)) {
                return wrong(format!("{id} is there already, in line {line}"));
            }
            let program = programs.remove(&id);
            checks.push(entry.check(target, &document, program)?);
        }
    }
    for (id, program) in programs {
        if taken.contains(&*id) {
            let reason = "a suite that the target uses has a check of this name: take another".to_owned();
            return Err(CheckFileError::Program { program: program.path, reason });
        }
        if target.stages.len() > 1 {
            let reason = format!("the target has several stages: say in {FILE} which one this is about");
            return Err(CheckFileError::Program { program: program.path, reason });
        }
        checks.push(program.check(id));
    }
    Ok(checks)
}

impl Entry {
    fn check(
        self,
        target: &Target,
        document: &Document,
        program: Option<Program>,
    ) -> Result<Check, ManifestError> {
        let needs = self.needs(document)?;
        let (stage, limit) = (self.stage(target, document)?, self.limit(document)?);
        let (at, id) = (self.id.span().start, self.id.into_inner());
        let what = match (self.run, program) {
            (Some(run), None) => What::Shell(run),
            (None, Some(program)) => program.what(&id),
            (Some(_), Some(program)) => {
                let program = program.path.display();
                let reason = format!("{id} has a `run`, and there is {program} too: leave one of them out");
                return Err(document.wrong(at, reason));
            }
            (None, None) => {
                let reason =
                    format!("{id} has no `run`, and there is no program {PROGRAMS}/{id}: nothing decides it");
                return Err(document.wrong(at, reason));
            }
        };
        let statement = self.statement.unwrap_or_else(|| what.default_statement());
        let invariant = Invariant::new(id, self.level, statement, source(self.source, FILE));
        let check = Command { what, limit }.check(invariant).needs(needs);
        let check = match stage {
            Some(stage) => check.on(stage),
            None => check,
        };
        Ok(self.mutants.into_iter().map(Mutant::from).fold(check, Check::with))
    }

    fn needs(&self, document: &Document) -> Result<Vec<Need>, ManifestError> {
        match self.needs.iter().find(|need| !NEEDS.contains(need.get_ref())) {
            None => Ok(self.needs.iter().map(|need| *need.get_ref()).collect()),
            Some(need) => {
                let word = need.get_ref().word();
                let reason = format!(
                    "a check in a file can need `undo` and `boot`: what makes use of `{word}` is a check in Rust"
                );
                Err(document.wrong(need.span().start, reason))
            }
        }
    }

    /// In a target of one stage it goes without saying, also in the name of the check.
    fn stage(&self, target: &Target, document: &Document) -> Result<Option<String>, ManifestError> {
        let stages: Vec<&str> = target.stages.keys().map(String::as_str).collect();
        let known = stages.join(", ");
        match &self.stage {
            Some(stage) if !stages.contains(&stage.get_ref().as_str()) => {
                let reason = format!("{} has no stage {:?}; it has: {known}", target.name, stage.get_ref());
                Err(document.wrong(stage.span().start, reason))
            }
            None if stages.len() > 1 => {
                let reason =
                    format!("{}: `stage` has to say which one it is about: {known}", self.id.get_ref());
                Err(document.wrong(self.id.span().start, reason))
            }
            Some(stage) if stages.len() > 1 => Ok(Some(stage.get_ref().clone())),
            _ => Ok(None),
        }
    }

    fn limit(&self, document: &Document) -> Result<Duration, ManifestError> {
        let Some(limit) = &self.limit else { return Ok(COMMAND_LIMIT) };
        let asked = Duration::from_secs(limit.get_ref().get().into());
        if asked <= CHECK_LIMIT {
            return Ok(asked);
        }
        let most = CHECK_LIMIT.as_secs();
        let reason = format!("limit = {}: no check may take longer than {most} s", asked.as_secs());
        Err(document.wrong(limit.span().start, reason))
    }
}

impl From<Change> for Mutant {
    fn from(change: Change) -> Mutant {
        let edits = [Edit::run(change.run)];
        if change.boots { Mutant::at_boot(change.name, edits) } else { Mutant::new(change.name, edits) }
    }
}

/// `runbook.md, 4` is a document and its section. Where nobody says, it is the file that has the check.
fn source(said: Option<String>, otherwise: &str) -> Source {
    let said = said.unwrap_or_else(|| otherwise.to_owned());
    match said.split_once(',') {
        Some((document, section)) => Source::new(document.trim().to_owned(), section.trim().to_owned()),
        None => Source::new(said, ""),
    }
}

/// A program of the user's that decides a check.
struct Program {
    path: PathBuf,
    content: Vec<u8>,
}

impl Program {
    fn what(self, id: &str) -> What {
        What::Program { name: id.to_owned(), content: self.content }
    }

    /// Where no file says more of it.
    fn check(self, id: String) -> Check {
        let what = self.what(&id);
        let source = source(None, &format!("{PROGRAMS}/{id}"));
        let invariant = Invariant::new(id, Level::Must, what.default_statement(), source);
        Command { what, limit: COMMAND_LIMIT }.check(invariant)
    }
}

/// Those in a directory, each by the id that is its name. What is no program is refused: it would look like a check and
/// never run.
fn programs(directory: &Path) -> Result<BTreeMap<String, Program>, CheckFileError> {
    let unreadable = |path: &Path, source| CheckFileError::Unreadable { path: path.into(), source };
    let children = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        children => children.map_err(|error| unreadable(directory, error))?,
    };
    let mut programs = BTreeMap::new();
    for child in children {
        let path = child.map_err(|error| unreadable(directory, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let wrong = |reason| Err(CheckFileError::Program { program: path.clone(), reason });
        let metadata = fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            return wrong("it is no program that can be executed, as all that is here has to be".to_owned());
        }
        if let Err(reason) = plain(&name) {
            return wrong(format!("a program is named after its check, and {reason}"));
        }
        if metadata.len() > LARGEST {
            return wrong(format!(
                "it has {} bytes, and at most {LARGEST} are brought to a machine",
                metadata.len()
            ));
        }
        let content = fs::read(&path).map_err(|error| unreadable(&path, error))?;
        programs.insert(name, Program { path, content });
    }
    Ok(programs)
}

/// The ids go into reports, options and names of files.
fn plain(id: &str) -> Result<(), String> {
    let word = |word: &str| {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !word.is_empty() && word.chars().all(known)
    };
    match id.split_once('.') {
        Some((family, name)) if word(family) && word(name) => Ok(()),
        _ => Err(format!(
            "the id {id:?} is not like \"vpn.up\": a family, a dot and a name, in lower-case letters, digits and dashes"
        )),
    }
}

#[cfg(test)]
mod tests;
