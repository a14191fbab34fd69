//! The newest bytes of a stream that may never end.

use std::sync::{Arc, Mutex, MutexGuard};

/// How much is kept, in bytes.
const KEPT: usize = 256 << 10;

/// Filled by one who reads, seen by all who hold a clone.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    pub fn keep(&self, bytes: &[u8]) {
        let mut kept = self.lock();
        kept.extend_from_slice(bytes);
        // Cut rarely, a half at a time, not at every read.
        if kept.len() > 2 * KEPT {
            let excess = kept.len() - KEPT;
            kept.drain(..excess);
        }
    }

    /// What is kept, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock()).into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
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
}
