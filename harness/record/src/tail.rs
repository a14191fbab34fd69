//! The newest bytes of a stream that may never end.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::secret;

/// How much is kept, in bytes.
const KEPT: usize = 256 << 10;

/// Filled by one who reads, seen by all who hold a clone.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    stream: secret::Stream,
}

impl Tail {
    pub fn keep(&self, bytes: &[u8]) {
        let mut kept = self.lock();
        let Kept { bytes: kept, stream } = &mut *kept;
        stream.push(bytes, kept);
        // Cut rarely, a half at a time, not at every read.
        if kept.len() > 2 * KEPT {
            let excess = kept.len() - KEPT;
            kept.drain(..excess);
        }
    }

    /// What is kept, as text, without secrets.
    pub fn text(&self) -> String {
        let kept = self.lock();
        let mut bytes = kept.bytes.clone();
        kept.stream.clone().flush(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_much_is_kept() {
        let tail = Tail::default();
        for _ in 0..100 {
            tail.keep(&[b'-'; 64 << 10]);
        }
        tail.keep(b"the end");
        let text = tail.text();
        assert!(text.len() <= 2 * KEPT);
        assert!(text.ends_with("-the end"));
    }

    #[test]
    fn no_secret_is_kept_and_none_is_cut_in_half() {
        secret::declare("console", b"told-on-the-console").unwrap();
        let tail = Tail::default();
        // More than is kept, in pieces that end anywhere in it.
        for piece in b"told-on-the-console|".repeat(40 << 10).chunks(4093) {
            tail.keep(piece);
            let text = tail.text();
            let start = text.find('|').map_or(text.len(), |end| end + 1);
            assert!(!text.contains("-the-"), "{}", &text[text.len().saturating_sub(100)..]);
            assert!(
                text[start..].split('|').all(|line| "[secret]".starts_with(line) || "told".starts_with(line))
            );
        }
    }
}
