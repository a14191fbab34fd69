//! A machine's serial console: captured, and scanned for crashes.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt};

use super::life::Life;

/// How much of the console is kept, in bytes: the newest.
const KEPT: usize = 256 << 10;

/// A line longer than this is scanned in pieces.
const LINE_LIMIT: usize = 4 << 10;

/// What kernels and systemd say when they are beyond help.
const CRASHES: [&str; 9] = [
    "Kernel panic - not syncing",
    "Internal error: Oops",
    "Oops: ",
    "kernel BUG at ",
    "Unable to handle kernel ",
    "general protection fault",
    "systemd[1]: Freezing execution",
    "systemd[1]: Caught <",
    "assay-initramfs: ",
];

/// What a machine printed so far.
#[derive(Clone, Default)]
pub struct Console(Arc<Mutex<Vec<u8>>>);

impl Console {
    /// Reads until the machine is gone. The first sign of a crash ends its life.
    pub fn watch(mut stream: impl AsyncRead + Unpin + Send + 'static, life: Life) -> Console {
        let console = Console::default();
        let kept = console.clone();
        tokio::spawn(async move {
            let mut scanner = Scanner::default();
            let mut buffer = [0; 4096];
            while let Ok(length) = stream.read(&mut buffer).await {
                if length == 0 {
                    break;
                }
                kept.keep(&buffer[..length]);
                if let Some(line) = scanner.feed(&buffer[..length]) {
                    life.crash(line);
                }
            }
        });
        console
    }

    /// What is kept, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock()).into_owned()
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.lock();
        kept.extend_from_slice(bytes);
        // Cut rarely, a half at a time, not at every read.
        if kept.len() > 2 * KEPT {
            let excess = kept.len() - KEPT;
            kept.drain(..excess);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Finds crash messages in a stream that arrives in arbitrary pieces.
#[derive(Default)]
struct Scanner {
    line: Vec<u8>,
}

impl Scanner {
    /// The line that tells of a crash, once it is complete.
    fn feed(&mut self, bytes: &[u8]) -> Option<String> {
        let mut found = None;
        for &byte in bytes {
            if byte != b'\n' && self.line.len() < LINE_LIMIT {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
            if found.is_none() && CRASHES.iter().any(|crash| line.contains(crash)) {
                found = Some(line);
            }
            self.line.clear();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::panic("[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n")]
    #[case::oops("[    5.0] Internal error: Oops: 0000000096000004 [#1] SMP\n")]
    #[case::x86_oops("[    5.0] Oops: 0002 [#1] PREEMPT SMP\n")]
    #[case::init("[    9.1] systemd[1]: Caught <SEGV>, dumped core as pid 300.\n")]
    #[case::initramfs("assay-initramfs: cannot mount /dev/vda\n")]
    fn a_crash_is_seen_however_it_arrives(#[case] text: &str) {
        for split in 0..text.len() {
            let mut scanner = Scanner::default();
            let before = scanner.feed(&text.as_bytes()[..split]);
            let after = scanner.feed(&text.as_bytes()[split..]);
            assert_eq!(before.or(after).as_deref(), Some(text.trim_end()), "split at {split}");
        }
    }

    #[rstest]
    #[case::failed_unit("systemd[1]: Failed to start systemd-binfmt.service\n")]
    #[case::warning("[    3.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1\n")]
    fn what_is_no_crash_is_let_pass(#[case] text: &str) {
        assert_eq!(Scanner::default().feed(text.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn the_scanner_keeps_no_more_than_a_line(bytes in proptest::collection::vec(any::<u8>(), 0..20_000)) {
            let mut scanner = Scanner::default();
            scanner.feed(&bytes);
            prop_assert!(scanner.line.len() <= LINE_LIMIT);
        }
    }
}
