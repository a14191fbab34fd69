//! Holds what is read of a report, and of each piece of it, to a limit.

use std::io::{self, BufRead, Read};

/// The most of one report, in bytes.
pub const FILE_LIMIT: u64 = 256 << 20;
/// The most between two marks of a report, in bytes: the parser holds such a piece in memory as a whole.
pub const PIECE_LIMIT: u64 = 64 << 20;

/// How much may be read, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub file: u64,
    pub piece: u64,
}

pub const LIMITS: Limits = Limits { file: FILE_LIMIT, piece: PIECE_LIMIT };

/// A source that fails instead of giving more than it may.
pub struct Bounded<R> {
    source: R,
    limits: Limits,
    left: Limits,
    line: usize,
}

impl<R: BufRead> Bounded<R> {
    pub fn new(source: R, limits: Limits) -> Self {
        Self { source, limits, left: limits, line: 1 }
    }

    /// Here the next piece begins.
    pub fn next_piece(&mut self) {
        self.left.piece = self.limits.piece;
    }

    /// The line that was read to, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let buffer = self.source.fill_buf()?;
        if buffer.is_empty() {
            return Ok(buffer);
        }
        let too_long = |what, limit: u64| Err(io::Error::other(format!("{what} over {} MiB", limit >> 20)));
        if self.left.file == 0 {
            return too_long("it is", self.limits.file);
        }
        if self.left.piece == 0 {
            return too_long("one text of it is", self.limits.piece);
        }
        let left = usize::try_from(self.left.file.min(self.left.piece)).unwrap_or(usize::MAX);
        Ok(&buffer[..buffer.len().min(left)])
    }

    fn consume(&mut self, amount: usize) {
        // What was filled is still there until it is consumed.
        if let Ok(buffer) = self.source.fill_buf() {
            self.line += buffer.iter().take(amount).filter(|byte| **byte == b'\n').count();
        }
        self.left.file = self.left.file.saturating_sub(amount as u64);
        self.left.piece = self.left.piece.saturating_sub(amount as u64);
        self.source.consume(amount);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut buffer = self.fill_buf()?;
        let length = buffer.read(out)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { file: 3 << 20, piece: 1 << 20 };

    fn endless() -> Bounded<impl BufRead> {
        Bounded::new(io::BufReader::new(io::repeat(b'\n')), LIMITS)
    }

    #[test]
    fn one_piece_is_limited() {
        let error = io::copy(&mut endless(), &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "one text of it is over 1 MiB");
    }

    #[test]
    fn all_pieces_are_limited() {
        let mut source = endless();
        let error = loop {
            source.next_piece();
            if let Err(error) = io::copy(&mut (&mut source).take(LIMITS.piece - 1), &mut io::sink()) {
                break error;
            }
        };
        assert_eq!(error.to_string(), "it is over 3 MiB");
        assert_eq!(source.line() as u64, LIMITS.file + 1);
    }
}
