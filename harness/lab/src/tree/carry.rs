//! Carrying a tree to a machine, and looking whether it is there, in few round trips.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use machine::{Machine, quoted};
use record::MachineError;
use sha2::{Digest, Sha256};

use super::{Entry, Owner, Owners, Tree};

/// The shell takes a command as one argument, and Linux allows 128 KiB for one.
const COMMAND_ROOM: usize = 64 << 10;

impl Tree {
    /// The paths that are missing on the machine or differ in kind, content, mode or where they point.
    /// Of a directory only its being there counts.
    pub async fn differences(&self, machine: &dyn Machine) -> Result<Vec<String>, MachineError> {
        self.differences_under("", machine).await
    }

    pub(super) async fn differences_under(
        &self,
        root: &str,
        machine: &dyn Machine,
    ) -> Result<Vec<String>, MachineError> {
        let mut seen = Seen::default();
        for paths in batches(self.entries.keys().map(|path| quoted(&format!("{root}/{path}")))) {
            let output = machine.run(&look(&paths)).await?;
            seen.learn(&output.stdout);
        }
        let differs = |(path, entry): &(&String, &Entry)| !seen.has(&format!("{root}/{path}"), entry);
        Ok(self.entries.iter().filter(differs).map(|(path, _)| format!("/{path}")).collect())
    }

    /// Lays the tree over the machine's root, and all of it is root's. What it replaces is unlinked first, so a link
    /// that is in the way is replaced and not written through; directories that exist stay as they are.
    pub async fn lay(&self, machine: &dyn Machine) -> Result<(), MachineError> {
        self.lay_for(&Owners::default(), machine).await
    }

    /// The same, with these owners; what has none is root's.
    pub async fn lay_for(&self, owners: &Owners, machine: &dyn Machine) -> Result<(), MachineError> {
        self.lay_under("", owners, machine).await
    }

    pub(super) async fn lay_under(
        &self,
        root: &str,
        owners: &Owners,
        machine: &dyn Machine,
    ) -> Result<(), MachineError> {
        if self.is_empty() {
            return Ok(());
        }
        let archive = format!("{root}/run/tree-{}.tar", &self.digest().to_hex()[..16]);
        let bytes = self.archive(owners).map_err(|error| MachineError::Refused {
            machine: machine.name().into(),
            action: "pack a tree".into(),
            reason: error.to_string(),
        })?;
        machine.write(Path::new(&archive), &bytes, 0o600).await?;
        machine.succeed(&unpack(root, &archive, owners)).await?;
        Ok(())
    }

    fn archive(&self, owners: &Owners) -> std::io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let mut header = tar::Header::new_gnu();
            let Owner { user, group } = owners.get(path).copied().unwrap_or_default();
            header.set_uid(user);
            header.set_gid(group);
            match entry {
                Entry::Directory { mode } => {
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(*mode);
                    header.set_size(0);
                    archive.append_data(&mut header, path, std::io::empty())?;
                }
                Entry::File { mode, content } => {
                    header.set_mode(*mode);
                    header.set_size(content.len() as u64);
                    archive.append_data(&mut header, path, content.as_slice())?;
                }
                Entry::Link { to } => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    archive.append_link(&mut header, path, to)?;
                }
            }
        }
        archive.into_inner()
    }
}

/// One command that tells kind, kind behind links, mode, link target and path, then all checksums.
/// Checksums of regular files alone: reading a pipe would never end.
fn look(paths: &str) -> String {
    [
        "set -- ",
        paths,
        r#" ; find "$@" -maxdepth 0 -printf '%y\0%Y\0%m\0%l\0%p\0' 2>/dev/null"#,
        r#" ; find "$@" -maxdepth 0 -type f -exec sha256sum -z {} + 2>/dev/null"#,
        " ; true",
    ]
    .concat()
}

/// Times are those of unpacking: systemd tells by them that a unit has changed.
fn unpack(root: &str, archive: &str, owners: &Owners) -> String {
    let (root, archive) = (quoted(&format!("{root}/")), quoted(archive));
    let whose = if owners.is_empty() { "--no-same-owner" } else { "--same-owner --numeric-owner" };
    format!(
        "tar -x -f {archive} -C {root} --preserve-permissions {whose} --touch \
         --no-overwrite-dir --keep-directory-symlink ; status=$? ; rm -f {archive} ; exit $status"
    )
}

/// The words in as few commands as have room for them.
pub(super) fn batches(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut batches: Vec<String> = Vec::new();
    for word in words {
        match batches.last_mut() {
            Some(batch) if batch.len() + word.len() < COMMAND_ROOM => {
                batch.push(' ');
                batch.push_str(&word);
            }
            _ => batches.push(word),
        }
    }
    batches
}

/// What the machine told about the paths it was asked for.
#[derive(Default)]
struct Seen {
    nodes: BTreeMap<String, [String; 4]>,
    sums: BTreeSet<String>,
}

impl Seen {
    fn learn(&mut self, told: &[u8]) {
        let told = String::from_utf8_lossy(told);
        let mut fields = told.split('\0');
        while let Some(first) = fields.next() {
            if first.len() > 1 {
                self.sums.insert(first.to_owned());
                continue;
            }
            let mut field = || fields.next().unwrap_or_default().to_owned();
            let facts = [first.to_owned(), field(), field(), field()];
            self.nodes.insert(field(), facts);
        }
    }

    fn has(&self, path: &str, entry: &Entry) -> bool {
        let Some([kind, behind, mode, target]) = self.nodes.get(path) else { return false };
        match entry {
            Entry::Directory { .. } => behind == "d",
            Entry::Link { to } => kind == "l" && target == to,
            Entry::File { mode: wanted, content } => {
                let sum = format!("{:x}  {path}", Sha256::digest(content));
                kind == "f" && *mode == format!("{wanted:o}") && self.sums.contains(&sum)
            }
        }
    }
}
