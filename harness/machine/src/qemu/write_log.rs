//! What a machine has written to its disk, in order, with every flush: the log of QEMU's `blklogwrites`, which has
//! the format of Linux's `dm-log-writes` (drivers/md/dm-log-writes.c).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;

/// Flags of an entry.
const FLUSH: u64 = 1;
const DISCARD: u64 = 4;

/// Sectors larger than this are no sectors, in bytes.
const LARGEST_SECTOR: u64 = 64 << 10;

/// How much is copied at once, in bytes.
const CHUNK: usize = 1 << 20;

/// How many entries there are up to what was flushed last.
pub fn entries(log: &File) -> io::Result<u64> {
    // QEMU writes its first sector with the first flush.
    let mut first = [0; 8];
    if log.read_at(&mut first, 0)? == 0 || first == [0; 8] {
        return Ok(0);
    }
    Ok(Header::read(log)?.entries)
}

/// Writes to a disk's image what was flushed when the log had so many entries. What was written later is lost, and
/// what was discarded stays: to discard is a hint.
pub fn replay(log: &File, entries: u64, image: &File) -> io::Result<()> {
    if entries == 0 {
        return Ok(());
    }
    let sector = Header::read(log)?.sector;
    let mut written = Vec::new();
    let mut flushed = 0;
    // The first sector is the header's.
    let mut at = sector;
    for _ in 0..entries {
        let entry = Entry::read(log, at)?;
        at = entry.after(at, sector).ok_or_else(|| damaged("an entry has no end"))?;
        if entry.flags & FLUSH != 0 {
            flushed = written.len();
        } else if entry.flags & DISCARD == 0 {
            let length = entry.sectors * sector;
            written.push((at - length, entry.sector.checked_mul(sector), length));
        }
    }
    let size = image.metadata()?.len();
    for (from, to, length) in written.into_iter().take(flushed) {
        let to = to.filter(|to| to.checked_add(length).is_some_and(|end| end <= size));
        copy(log, from, image, to.ok_or_else(|| damaged("an entry lies beyond the disk"))?, length)?;
    }
    Ok(())
}

struct Header {
    entries: u64,
    /// In bytes.
    sector: u64,
}

impl Header {
    fn read(log: &File) -> io::Result<Header> {
        let mut bytes = [0; 28];
        log.read_exact_at(&mut bytes, 0)?;
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let sector = u32::from_le_bytes(bytes[24..].try_into().unwrap_or_default()).into();
        if (number(0), number(8)) != (MAGIC, VERSION) {
            return Err(damaged("it does not begin like one"));
        }
        if !(512..=LARGEST_SECTOR).contains(&sector) {
            return Err(damaged("its sectors have no size"));
        }
        Ok(Header { entries: number(16), sector })
    }
}

struct Entry {
    sector: u64,
    sectors: u64,
    flags: u64,
}

impl Entry {
    fn read(log: &File, at: u64) -> io::Result<Entry> {
        let mut bytes = [0; 24];
        log.read_exact_at(&mut bytes, at)?;
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let entry = Entry { sector: number(0), sectors: number(8), flags: number(16) };
        // QEMU was still writing it: what follows cannot be found.
        if entry.sectors == 0 && entry.flags == 0 {
            return Err(damaged("an entry is missing"));
        }
        Ok(entry)
    }

    /// Where the next entry begins, in bytes.
    fn after(&self, at: u64, sector: u64) -> Option<u64> {
        let data = if self.flags & DISCARD == 0 { self.sectors.checked_mul(sector)? } else { 0 };
        at.checked_add(sector)?.checked_add(data)
    }
}

fn copy(from: &File, mut at: u64, to: &File, mut place: u64, length: u64) -> io::Result<()> {
    let mut buffer = vec![0; usize::try_from(length).unwrap_or(CHUNK).min(CHUNK)];
    let end = at + length;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        from.read_exact_at(&mut buffer[..wanted], at)?;
        to.write_all_at(&buffer[..wanted], place)?;
        at += wanted as u64;
        place += wanted as u64;
    }
    Ok(())
}

fn damaged(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the log of writes is damaged: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::ramfile;

    const SECTOR: usize = 512;

    fn header(entries: u64) -> Vec<u8> {
        let mut bytes = [MAGIC, VERSION, entries].map(u64::to_le_bytes).concat();
        bytes.extend(512_u32.to_le_bytes());
        bytes.resize(SECTOR, 0);
        bytes
    }

    /// An entry that writes the letter to as many sectors.
    fn entry(sector: u64, sectors: u64, flags: u64, letter: u8) -> Vec<u8> {
        let mut bytes = [sector, sectors, flags, 0].map(u64::to_le_bytes).concat();
        let data = if flags & DISCARD == 0 { sectors as usize * SECTOR } else { 0 };
        bytes.resize(SECTOR, 0);
        bytes.resize(SECTOR + data, letter);
        bytes
    }

    fn log(parts: &[Vec<u8>]) -> File {
        ramfile::holding(&parts.concat()).unwrap()
    }

    /// The first letter of each of four sectors afterwards.
    fn replayed(log: &File, entries: u64) -> io::Result<String> {
        let image = ramfile::holding(&[b'.'; 4 * SECTOR]).unwrap();
        replay(log, entries, &image)?;
        let mut bytes = [0; 4 * SECTOR];
        image.read_exact_at(&mut bytes, 0).unwrap();
        Ok(bytes.chunks(SECTOR).map(|sector| sector[0] as char).collect())
    }

    #[test]
    fn what_was_flushed_survives_and_what_was_not_is_lost() {
        let flush = || entry(0, 0, FLUSH, 0);
        let parts = [
            header(6),
            entry(0, 2, 0, b'a'),
            entry(1, 1, 0, b'b'),
            entry(0, 1, DISCARD, b'x'),
            flush(),
            entry(2, 1, 0, b'c'),
            flush(),
            entry(3, 1, 0, b'd'),
        ];
        let log = log(&parts);
        assert_eq!(entries(&log).unwrap(), 6);
        assert_eq!(replayed(&log, 6).unwrap(), "abc.");
        assert_eq!(replayed(&log, 4).unwrap(), "ab..", "flushed only later");
        assert_eq!(replayed(&log, 7).unwrap(), "abc.", "after the last flush");
        assert_eq!(replayed(&log, 0).unwrap(), "....");
    }

    #[test]
    fn a_log_without_a_flush_says_nothing() {
        assert_eq!(entries(&log(&[])).unwrap(), 0);
        assert_eq!(entries(&log(&[vec![0; SECTOR], entry(0, 1, 0, b'a')])).unwrap(), 0);
    }

    #[test]
    fn a_damaged_log_is_refused() {
        let flush = || entry(0, 0, FLUSH, 0);
        for (parts, reason) in [
            (vec![vec![1; SECTOR]], "does not begin like one"),
            (vec![header(2), vec![0; SECTOR], flush()], "an entry is missing"),
            (vec![header(2), entry(u64::MAX, 1, 0, b'a'), flush()], "beyond the disk"),
            (vec![header(2), entry(4, 1, 0, b'a'), flush()], "beyond the disk"),
            (vec![header(1), [0, u64::MAX, 0, 0].map(u64::to_le_bytes).concat()], "no end"),
        ] {
            let error = replayed(&log(&parts), 2).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(replayed(&log(&[header(9), entry(0, 1, 0, b'a')]), 9).is_err(), "cut short");
    }
}
