//! Looks at what laying an overlay did to a target, and what of it may be a mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use machine::Machine;
use record::{Effect, Laid, LaidFile, MachineError};

use super::Overlay;
use super::search::hiding;
use crate::tree::{Entry, Owner, Owners, Sight, Tree};

/// Directories in which systemd finds the units that another wants, by links alone.
const DEPENDENCIES: [&str; 3] = [".wants", ".requires", ".upholds"];

/// Where a path leads that is made only while a machine runs.
const PASSING: [&str; 3] = ["/dev/", "/proc/", "/run/"];

/// What a target has where an overlay is to lie.
pub(super) struct Before(Sight);

impl Before {
    pub(super) async fn look(overlay: &Overlay, machine: &dyn Machine) -> Result<Before, MachineError> {
        let mut paths = BTreeSet::new();
        for (path, _) in overlay.tree.entries() {
            paths.insert(format!("/{path}"));
            // What is behind a directory's link says whose the files in it are.
            paths.extend(directories(path).map(|directory| format!("/{directory}/.")));
        }
        paths.extend(overlay.removed.iter().map(|path| format!("/{path}")));
        Ok(Before(Sight::of(machine, paths).await?))
    }

    /// Whose the files are: what replaces something is its owner's, and everything else belongs to whom the directory
    /// belongs that it comes into.
    pub(super) fn owners(&self, tree: &Tree) -> Owners {
        let owner = |path: &str| {
            let replaced = self.0.get(&format!("/{path}")).map(|seen| seen.owner);
            let directory = || directories(path).find_map(|above| self.0.get(&format!("/{above}/.")));
            replaced.or_else(|| directory().map(|seen| seen.owner)).unwrap_or_default()
        };
        let owners = tree.entries().map(|(path, _)| (path.to_owned(), owner(path)));
        owners.filter(|(_, owner)| *owner != Owner::default()).collect()
    }

    fn has(&self, path: &str) -> bool {
        self.0.has(&format!("/{path}"))
    }

    fn has_directory(&self, path: &str) -> bool {
        self.0.has(&format!("/{path}/."))
    }
}

pub(super) async fn look(
    overlay: &Overlay,
    before: &Before,
    machine: &dyn Machine,
) -> Result<Laid, MachineError> {
    let files = || overlay.tree.entries().filter(|(_, entry)| !matches!(entry, Entry::Directory { .. }));
    let effect = |there, yes, no| if there { yes } else { no };
    let laid = files().map(|(path, _)| (path, effect(before.has(path), Effect::Replaced, Effect::New)));
    let removed = overlay.removed.iter().map(String::as_str);
    let removed = removed.map(|path| (path, effect(before.has(path), Effect::Removed, Effect::Absent)));
    let named = |(path, effect)| LaidFile { path: format!("/{path}"), effect };

    let mut asked = BTreeSet::new();
    for (path, entry) in files() {
        asked.insert(format!("/{path}"));
        asked.extend(hiding(path).iter().map(|path| format!("/{path}")));
        asked.extend(interpreters(entry));
    }
    let after = Sight::of(machine, asked).await?;
    let mut remarks: Vec<String> = files().filter_map(|(path, entry)| remark(path, entry, &after)).collect();
    remarks.extend(new_directories(files().map(|(path, _)| path), before));
    let absent = overlay.removed.iter().filter(|path| !before.has(path));
    remarks.extend(absent.map(|path| format!("/{path} is to be removed, and the target does not have it")));
    Ok(Laid {
        stage: None,
        directory: overlay.directory.display().to_string(),
        files: laid.chain(removed).map(named).collect(),
        remarks,
    })
}

/// The directories above a path, the nearest first.
fn directories(path: &str) -> impl Iterator<Item = &str> {
    Path::new(path).ancestors().skip(1).filter_map(Path::to_str)
}

/// Why a file has no effect, or not the one that it seems to have.
fn remark(path: &str, entry: &Entry, after: &Sight) -> Option<String> {
    let hidden = hiding(path).into_iter().find(|hiding| after.has(&format!("/{hiding}")));
    if let Some(by) = hidden {
        return Some(format!("/{path} has no effect: /{by} hides it"));
    }
    let (directory, _) = path.rsplit_once('/').unwrap_or_default();
    let dependency = DEPENDENCIES.iter().any(|kind| directory.ends_with(kind));
    match entry {
        Entry::File { .. } if dependency => {
            Some(format!("/{path} has no effect: it is a file, and systemd takes only links there"))
        }
        Entry::Link { to } if !dependency && !PASSING.iter().any(|passing| to.starts_with(passing)) => {
            let dangles = after.get(&format!("/{path}")).is_some_and(|seen| seen.dangles);
            dangles.then(|| format!("/{path} leads to {to}, which the target does not have"))
        }
        _ => {
            let interpreters = interpreters(entry);
            let missing = !interpreters.is_empty() && !interpreters.iter().any(|path| after.has(path));
            missing.then(|| {
                format!("/{path} cannot run: the target does not have its interpreter {}", interpreters[0])
            })
        }
    }
}

/// Where the interpreter of a script may be: one path, or with `env` all that it is looked for at.
fn interpreters(entry: &Entry) -> Vec<String> {
    let Entry::File { mode, content } = entry else { return Vec::new() };
    let Some(line) = content.strip_prefix(b"#!").filter(|_| mode & 0o111 != 0) else { return Vec::new() };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.find(|word| !word.starts_with('-'))) {
        (Some("/usr/bin/env" | "/bin/env"), Some(name)) => {
            ["/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin", "/bin", "/sbin"]
                .map(|directory| format!("{directory}/{name}"))
                .to_vec()
        }
        (Some(path), _) if path.starts_with('/') => vec![path.to_owned()],
        _ => Vec::new(),
    }
}

/// The directories that the target did not have, but for those of drop-ins and dependencies: the highest of each.
fn new_directories<'p>(paths: impl Iterator<Item = &'p str>, before: &Before) -> Vec<String> {
    let mut new: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths {
        let highest = directories(path).take_while(|directory| !before.has_directory(directory)).last();
        let Some(highest) = highest else { continue };
        if !DEPENDENCIES.iter().chain(&[".d"]).any(|kind| highest.ends_with(kind)) {
            *new.entry(highest).or_default() += 1;
        }
    }
    let told = |(directory, files): (&str, usize)| {
        let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
        format!("{files} in /{directory}, which the target does not have: see whether anything looks there")
    };
    new.into_iter().map(told).collect()
}
