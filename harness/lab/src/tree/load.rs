//! Reading a tree from a directory of this host, without ever leaving that directory.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{Entry, Tree};

/// The most that a tree may hold: it is carried in one piece.
const LIMIT: u64 = 64 << 20;
/// What an entry costs beside its content, so that a million empty files are too much as well.
const ENTRY_COST: u64 = 512;

/// Which permission bits the entries get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modes {
    /// Those they have.
    Kept,
    /// Those a version control system remembers: 0755 for directories and programs, else 0644.
    /// The umask of whoever checked the files out must not decide what a machine gets.
    Plain,
}

#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is {what}, which cannot be laid on a machine: only files, links and directories can", .path.display())]
    Unlayable { path: PathBuf, what: &'static str },
    #[error("the name {:?} is not UTF-8", .0)]
    NotText(PathBuf),
    #[error("{} is too big: a tree may hold at most {} MiB", .0.display(), LIMIT >> 20)]
    TooBig(PathBuf),
}

impl Tree {
    /// Reads everything below `directory`. Links are kept as links and not followed.
    pub fn load(directory: &Path, modes: Modes) -> Result<Tree, TreeError> {
        match std::fs::metadata(directory) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(TreeError::NotADirectory(directory.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(TreeError::Missing(directory.into()));
            }
            Err(source) => return Err(TreeError::Unreadable { path: directory.into(), source }),
        }
        let mut loader = Loader { root: directory, modes, tree: Tree::default(), room: LIMIT };
        loader.descend(directory)?;
        Ok(loader.tree)
    }
}

struct Loader<'a> {
    root: &'a Path,
    modes: Modes,
    tree: Tree,
    room: u64,
}

impl Loader<'_> {
    fn descend(&mut self, directory: &Path) -> Result<(), TreeError> {
        let unreadable = |source| TreeError::Unreadable { path: directory.into(), source };
        for child in std::fs::read_dir(directory).map_err(unreadable)? {
            let path = child.map_err(unreadable)?.path();
            let entry = self.entry(&path)?;
            let deeper = matches!(entry, Entry::Directory { .. });
            self.tree.entries.insert(self.name(&path)?, entry);
            if deeper {
                self.descend(&path)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path) -> Result<Entry, TreeError> {
        let unreadable = |source| TreeError::Unreadable { path: path.into(), source };
        let metadata = path.symlink_metadata().map_err(unreadable)?;
        self.spend(ENTRY_COST)?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            return Ok(Entry::Directory { mode: self.mode(&metadata) });
        }
        if kind.is_symlink() {
            let to = path.read_link().map_err(unreadable)?;
            let to = to.into_os_string().into_string().map_err(|name| TreeError::NotText(name.into()))?;
            return Ok(Entry::Link { to });
        }
        if kind.is_file() {
            self.spend(metadata.len())?;
            let content = content(path, metadata.len()).map_err(unreadable)?;
            return Ok(Entry::File { mode: self.mode(&metadata), content });
        }
        let what = match kind {
            kind if kind.is_socket() => "a socket",
            kind if kind.is_fifo() => "a named pipe",
            _ => "a device",
        };
        Err(TreeError::Unlayable { path: path.into(), what })
    }

    fn spend(&mut self, bytes: u64) -> Result<(), TreeError> {
        self.room = self.room.checked_sub(bytes).ok_or_else(|| TreeError::TooBig(self.root.into()))?;
        Ok(())
    }

    fn mode(&self, metadata: &Metadata) -> u32 {
        let mode = metadata.permissions().mode() & 0o7777;
        match self.modes {
            Modes::Kept => mode,
            Modes::Plain if metadata.is_dir() || mode & 0o100 != 0 => 0o755,
            Modes::Plain => 0o644,
        }
    }

    fn name(&self, path: &Path) -> Result<String, TreeError> {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        below.to_str().map(str::to_owned).ok_or_else(|| TreeError::NotText(path.into()))
    }
}

/// Reads at most `size` bytes: a file that grows meanwhile must not exceed what was counted.
fn content(path: &Path, size: u64) -> std::io::Result<Vec<u8>> {
    // The file may have become a link or a pipe since it was looked at.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)?;
    let mut content = Vec::new();
    file.take(size).read_to_end(&mut content)?;
    Ok(content)
}
