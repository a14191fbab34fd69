//! Files that exist only in memory and only as long as somebody holds them: nothing of a killed
//! harness stays behind.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, SeekFrom as Seeking};

/// How much is copied at once, in bytes.
const CHUNK: usize = 1 << 20;

/// An empty file of this many bytes, all holes.
pub fn empty(length: u64) -> io::Result<File> {
    let file = File::from(rustix::fs::memfd_create("assay", MemfdFlags::CLOEXEC)?);
    file.set_len(length)?;
    Ok(file)
}

/// A file of these bytes.
pub fn holding(bytes: &[u8]) -> io::Result<File> {
    let file = empty(0)?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

/// A copy that can be written without changing the original.
pub fn copy(original: &File) -> io::Result<File> {
    let copy = empty(original.metadata()?.len())?;
    copy_data(original, &copy)?;
    Ok(copy)
}

/// Copies what is no hole to a file of the same length that is all holes.
pub fn copy_data(from: &File, to: &File) -> io::Result<()> {
    data(from, |at, bytes| to.write_all_at(bytes, at))
}

/// Goes through what is no hole, piece by piece, each with its place.
pub fn data(from: &File, mut take: impl FnMut(u64, &[u8]) -> io::Result<()>) -> io::Result<()> {
    // Its own place in the file: others may read the same descriptor.
    let mut from = reopen(from)?;
    let length = from.metadata()?.len();
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    while let Some(data) = next_data(&from, at, length)? {
        let end = rustix::fs::seek(&from, Seeking::Hole(data))?;
        from.seek(SeekFrom::Start(data))?;
        at = data;
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            from.read_exact(&mut buffer[..wanted])?;
            take(at, &buffer[..wanted])?;
            at += wanted as u64;
        }
    }
    Ok(())
}

/// Opens the same file again, for reading, with a position of its own.
pub fn reopen(file: &File) -> io::Result<File> {
    use std::os::fd::AsRawFd;
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn next_data(file: &File, at: u64, length: u64) -> io::Result<Option<u64>> {
    if at >= length {
        return Ok(None);
    }
    match rustix::fs::seek(file, Seeking::Data(at)) {
        Ok(data) => Ok(Some(data)),
        Err(rustix::io::Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_copy_has_the_same_bytes_and_the_same_holes() {
        let original = empty(64 << 20).unwrap();
        original.write_all_at(b"first", 0).unwrap();
        original.write_all_at(&vec![7; 3 << 20], 20 << 20).unwrap();

        let copied = copy(&original).unwrap();

        let mut bytes = Vec::new();
        reopen(&copied).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 64 << 20);
        assert_eq!(&bytes[..5], b"first");
        assert!(bytes[20 << 20..23 << 20].iter().all(|&byte| byte == 7));
        assert_eq!(copied.metadata().unwrap().blocks(), original.metadata().unwrap().blocks());
    }

    #[test]
    fn a_copy_is_independent() {
        let mut original = empty(5).unwrap();
        original.write_all(b"first").unwrap();
        copy(&original).unwrap().write_all_at(b"other", 0).unwrap();
        let mut bytes = String::new();
        reopen(&original).unwrap().read_to_string(&mut bytes).unwrap();
        assert_eq!(bytes, "first");
    }
}
