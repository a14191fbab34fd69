//! The files of an ext4 file system, read without mounting it.

use std::io;

use ext4_view::{DirEntry, Ext4, FileType, Metadata, PathBuf};

/// More than any target has. Where a damaged directory leads back to itself, there would be no end of them.
const LIMIT: usize = 1 << 20;

/// Visits everything below the root, each directory before what is in it, in no order beside.
pub fn visit(
    files: &Ext4,
    mut visitor: impl FnMut(&DirEntry, &Metadata) -> io::Result<()>,
) -> io::Result<()> {
    let mut directories = vec![PathBuf::new("/")];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        for entry in files.read_dir(&directory)? {
            let entry = entry?;
            if matches!(entry.file_name().as_ref(), b"." | b".." | b"lost+found") {
                continue;
            }
            seen += 1;
            if seen > LIMIT {
                return Err(io::Error::other(format!("it has more than {LIMIT} files")));
            }
            let metadata = entry.metadata()?;
            visitor(&entry, &metadata)?;
            if metadata.file_type() == FileType::Directory {
                directories.push(entry.path());
            }
        }
    }
    Ok(())
}

/// A raw image of an ext4 file system that holds a tree.
#[cfg(test)]
pub fn image_of(root: &std::path::Path) -> tempfile::NamedTempFile {
    let image = tempfile::NamedTempFile::new().unwrap();
    let make = "PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -d \"$1\" \"$2\" 8M";
    let mut command = std::process::Command::new("sh");
    let made = command.args(["-c", make, "sh"]).args([root, image.path()]).status().unwrap();
    assert!(made.success());
    image
}
