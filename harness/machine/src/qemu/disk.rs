//! A root disk: an image that is never changed, and layers over it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use command_fds::{CommandFdExt, FdMapping};

use super::arguments::{self, Access, Format, Layer};
use super::ramfile;

/// The program that makes layers.
pub const DISK_TOOL: &str = "qemu-img";

/// The number under which it inherits the first file.
const FIRST_INHERITED: i32 = 3;

/// The image layers of a disk, the newest first. Cloning shares them.
#[derive(Clone)]
pub struct Disk {
    /// What the guest sees, in bytes.
    size: u64,
    layers: Vec<(Arc<File>, Format)>,
}

impl Disk {
    /// A disk that is one raw image.
    pub fn image(file: File) -> io::Result<Disk> {
        Ok(Disk { size: file.metadata()?.len(), layers: vec![(Arc::new(file), Format::Raw)] })
    }

    /// A disk of somebody's own: a raw image of a disk that boots, or one in QEMU's format with nothing beneath it.
    pub fn existing(file: File) -> Result<Disk, DiskError> {
        let mut head = [0; HEAD];
        let size = file.metadata()?.len();
        file.read_exact_at(&mut head, 0).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => DiskError::NoDisk,
            _ => DiskError::Io(error),
        })?;
        let number = |at: usize| head[at..at + 8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let version = number(0) & 0xffff_ffff;
        let (size, format) = match &head[..4] {
            b"QFI\xfb" if number(BACKING) != 0 => return Err(DiskError::Layer),
            b"QFI\xfb" if version >= 3 && number(FEATURES) & OTHER_FILE != 0 => {
                return Err(DiskError::OtherFile);
            }
            b"QFI\xfb" => (number(SIZE), Format::Qcow2),
            _ if head[SIGNATURE..] == [0x55, 0xaa] => (size, Format::Raw),
            _ => return Err(DiskError::NoDisk),
        };
        Ok(Disk { size, layers: vec![(Arc::new(file), format)] })
    }

    /// This disk with one more layer over it.
    pub fn under(&self, layer: File) -> Disk {
        let mut layers = self.layers.clone();
        layers.insert(0, (Arc::new(layer), Format::Qcow2));
        Disk { size: self.size, layers }
    }

    /// This disk with an empty layer over it, kept in memory, for a machine to write to.
    pub fn fresh_layer(&self) -> io::Result<Disk> {
        let layer = ramfile::empty(0)?;
        let target = format!("/dev/fd/{FIRST_INHERITED}");
        let arguments = ["create", "-q", "-f", "qcow2", &target, &self.size.to_string()];
        qemu_img(&arguments, vec![layer.try_clone()?])?;
        Ok(self.under(layer))
    }

    /// The whole disk as a guest sees it, as one raw image in memory.
    pub fn flattened(&self) -> io::Result<File> {
        let image = ramfile::empty(self.size)?;
        let mut files = Vec::new();
        for file in self.layers.iter().map(|(file, _)| &**file).chain([&image]) {
            files.push(file.try_clone()?);
        }
        let numbers = FIRST_INHERITED..;
        let layers =
            self.layers.iter().zip(numbers).map(|((_, format), file)| Layer { file, format: *format });
        let source = format!("json:{}", arguments::disk(&layers.collect::<Vec<_>>(), Access::Read));
        let target = format!("/dev/fd/{}", FIRST_INHERITED + self.layers.len() as i32);
        qemu_img(&["convert", "-n", "-O", "raw", &source, &target], files)?;
        Ok(image)
    }

    /// This disk without its newest layer.
    pub fn below(&self) -> Disk {
        Disk { size: self.size, layers: self.layers[1..].to_vec() }
    }

    /// The newest layer.
    pub fn top(&self) -> &Arc<File> {
        &self.layers[0].0
    }

    pub fn layers(&self) -> &[(Arc<File>, Format)] {
        &self.layers
    }
}

/// How much of a file says what it is, and where: in a sector with a table of partitions the last two bytes, and else in
/// the header of QEMU's format (docs/interop/qcow2.txt).
const HEAD: usize = 512;
const SIGNATURE: usize = 510;
const BACKING: usize = 8;
const SIZE: usize = 24;
const FEATURES: usize = 72;
const OTHER_FILE: u64 = 1 << 2;

/// Why a file is no disk that a machine could boot from.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    #[error(
        "it is no disk that boots, raw or qcow2: a raw one begins with a table of partitions, and `qemu-img convert` \
         makes one of other formats"
    )]
    NoDisk,
    #[error("it is a layer over another image: `qemu-img convert -O qcow2` makes one image of both")]
    Layer,
    #[error("its data are in another file: `qemu-img convert -O qcow2` makes one file of both")]
    OtherFile,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the disk tool with these files as /dev/fd/3 and so on.
fn qemu_img(arguments: &[&str], files: Vec<File>) -> io::Result<()> {
    let mappings = files.into_iter().zip(FIRST_INHERITED..);
    let mappings = mappings.map(|(file, child_fd)| FdMapping { parent_fd: file.into(), child_fd });
    let done = Command::new(DISK_TOOL)
        .args(arguments)
        .fd_mappings(mappings.collect())
        .map_err(|_| io::Error::other("two inherited files with one number"))?
        .stdin(Stdio::null())
        .output()?;
    if done.status.success() {
        return Ok(());
    }
    let (what, reason) = (arguments.first().unwrap_or(&""), String::from_utf8_lossy(&done.stderr));
    Err(io::Error::other(format!("{DISK_TOOL} {what} failed: {}", reason.trim())))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A header of QEMU's format, with these big-endian numbers at these places.
    fn qcow2(numbers: &[(usize, u64)]) -> Vec<u8> {
        let mut head = vec![0; HEAD];
        head[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        for (at, number) in numbers {
            head[*at..at + 8].copy_from_slice(&number.to_be_bytes());
        }
        head
    }

    fn existing(bytes: &[u8]) -> Result<(u64, Format), String> {
        let disk = Disk::existing(ramfile::holding(bytes).unwrap()).map_err(|error| error.to_string())?;
        Ok((disk.size, disk.layers[0].1))
    }

    #[test]
    fn a_disk_is_known_by_how_it_begins() {
        let mut raw = vec![0; 1024];
        raw[SIGNATURE..HEAD].copy_from_slice(&[0x55, 0xaa]);
        assert_eq!(existing(&raw), Ok((1024, Format::Raw)));
        assert_eq!(existing(&qcow2(&[(SIZE, 1 << 30)])), Ok((1 << 30, Format::Qcow2)));
    }

    #[rstest]
    #[case::empty(vec![], "it is no disk that boots")]
    #[case::a_text(b"name = 'mine'\n".repeat(100), "it is no disk that boots")]
    #[case::another_format([b"KDMV".as_slice(), &[0; 1020]].concat(), "it is no disk that boots")]
    #[case::a_layer(qcow2(&[(SIZE, 1 << 30), (BACKING, 512)]), "it is a layer over another image")]
    #[case::of_two_files(qcow2(&[(SIZE, 1 << 30), (FEATURES, OTHER_FILE)]), "its data are in another file")]
    fn what_is_no_disk_is_refused(#[case] bytes: Vec<u8>, #[case] says: &str) {
        let error = existing(&bytes).unwrap_err();
        assert!(error.starts_with(says), "{error}");
    }
}
