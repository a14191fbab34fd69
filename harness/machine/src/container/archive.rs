//! An image's root as the archive that an engine makes an image of its own from.

use std::io::{self, Write};
use std::path::Path;

use ext4_view::{Ext4, FileType, Metadata};
use futures::{Stream, stream};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use crate::files;

/// How much of an archive is under way at most, in pieces of [`PIECE`] bytes.
const PIECES: usize = 16;
const PIECE: usize = 256 << 10;

/// Everything in an ext4 file system, read without mounting it, with owners and all mode bits, as a tar archive in
/// pieces. Extended attributes are left out, and a file with several names becomes several files.
pub fn archive(disk: &Path) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + use<> {
    let (sender, receiver) = mpsc::channel(PIECES);
    let disk = disk.to_owned();
    tokio::task::spawn_blocking(move || {
        let pieces = Pieces { sender: sender.clone() };
        let written = write(&disk, io::BufWriter::with_capacity(PIECE, pieces));
        if let Err(error) = written {
            // Without a reader there is nobody to tell.
            let _ = sender.blocking_send(Err(error));
        }
    });
    stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)))
}

fn write(disk: &Path, to: impl Write) -> io::Result<()> {
    let files = Ext4::load_from_path(disk).map_err(io::Error::other)?;
    let mut archive = Builder::new(to);
    files::visit(&files, |entry, metadata| {
        let path = entry.path();
        let below = path.to_str().map_err(io::Error::other)?.trim_start_matches('/').to_owned();
        let mut header = header(metadata)?;
        match metadata.file_type() {
            FileType::Directory => {
                header.set_entry_type(EntryType::Directory);
                archive.append_data(&mut header, below, io::empty())
            }
            FileType::Symlink => {
                header.set_entry_type(EntryType::Symlink);
                let to = files.read_link(&path)?;
                archive.append_link(&mut header, below, to.to_str().map_err(io::Error::other)?)
            }
            FileType::Regular => {
                header.set_size(metadata.len());
                archive.append_data(&mut header, below, files.open(&path)?)
            }
            // A build leaves none, and an engine makes its own.
            FileType::BlockDevice | FileType::CharacterDevice | FileType::Fifo | FileType::Socket => Ok(()),
        }
    })?;
    archive.into_inner()?.flush()
}

fn header(metadata: &Metadata) -> io::Result<Header> {
    let mut header = Header::new_gnu();
    header.set_mode(u32::from(metadata.mode() & 0o7777));
    header.set_uid(metadata.uid().into());
    header.set_gid(metadata.gid().into());
    header.set_mtime(u64::try_from(metadata.modified().seconds()).unwrap_or_default());
    header.set_size(0);
    Ok(header)
}

/// Hands on what is written to it, and waits while nobody takes it.
struct Pieces {
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.sender.blocking_send(Ok(bytes.to_vec()));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::{self, Permissions};
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn everything_is_in_it_with_all_mode_bits() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::write(root.join("usr/bin/su"), vec![7; 3 * PIECE]).unwrap();
        fs::set_permissions(root.join("usr/bin/su"), Permissions::from_mode(0o4755)).unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        let disk = files::image_of(&root);

        let bytes = archive(disk.path()).try_concat().await.unwrap();
        let mut seen = BTreeMap::new();
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let link = entry.link_name().unwrap().map(|to| to.display().to_string()).unwrap_or_default();
            let facts = (format!("{:o}", entry.header().mode().unwrap()), content.len(), link);
            seen.insert(entry.path().unwrap().display().to_string(), facts);
        }
        let names: Vec<&str> = seen.keys().map(String::as_str).collect();
        assert_eq!(names, ["bin", "usr", "usr/bin", "usr/bin/su"]);
        assert_eq!(seen["bin"].2, "usr/bin");
        assert_eq!(seen["usr/bin/su"], ("4755".into(), 3 * PIECE, String::new()));
    }

    #[tokio::test]
    async fn what_is_no_file_system_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let archived = archive(file.path()).try_concat().await;
        archived.unwrap_err();
    }
}
