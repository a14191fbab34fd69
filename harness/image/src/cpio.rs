//! Writes the archive that Linux unpacks as its first root ("newc"). Thirty
//! lines are fewer than a dependency's.

/// An archive in memory, owned by root throughout.
#[derive(Debug, Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    count: u32,
}

impl Archive {
    pub fn directory(&mut self, name: &str) {
        self.add(name, 0o040_755, b"");
    }

    pub fn program(&mut self, name: &str, contents: &[u8]) {
        self.add(name, 0o100_755, contents);
    }

    pub fn file(&mut self, name: &str, contents: &[u8]) {
        self.add(name, 0o100_644, contents);
    }

    pub fn link(&mut self, name: &str, target: &str) {
        self.add(name, 0o120_777, target.as_bytes());
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.add("TRAILER!!!", 0, b"");
        self.bytes
    }

    fn add(&mut self, name: &str, mode: u32, contents: &[u8]) {
        self.count += 1;
        let length = u32::try_from(contents.len()).expect("nothing in an initramfs is 4 GiB long");
        let name_length = u32::try_from(name.len() + 1).expect("names are short");
        // inode, mode, uid, gid, links, mtime, length, device, special device,
        // name's length, no checksum.
        let fields = [self.count, mode, 0, 0, 1, 0, length, 0, 0, 0, 0, name_length, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(contents);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn an_entry_is_laid_out_as_the_kernel_reads_it() {
        let mut archive = Archive::default();
        archive.file("a", b"hello");
        let bytes = archive.finish();
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(&bytes[14..22], b"000081a4", "mode");
        assert_eq!(&bytes[54..62], b"00000005", "length");
        assert_eq!(&bytes[110..112], b"a\0");
        assert_eq!(&bytes[112..117], b"hello");
        assert_eq!(&bytes[120..126], b"070701", "the next begins at a multiple of four");
        assert_eq!(bytes.len() % 4, 0);
    }
}
