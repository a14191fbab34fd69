//! A machine's serial console: captured, and scanned for crashes.

use std::time::Duration;

use record::secret;
use record::tail::Tail;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

use crate::life::Life;

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

/// How long a console may still come in after its machine is gone.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// How long a crashed machine may go on to tell of it, and how long a pause means that it has. A kernel says
/// when it has; an emulated one on a busy host prints slowly.
const TRACE_LIMIT: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_secs(2);
const TRACE_END: &str = "---[ end ";

/// What a machine printed so far.
#[derive(Clone)]
pub struct Console {
    tail: Tail,
    ended: watch::Receiver<bool>,
}

impl Console {
    /// Reads until the machine is gone. The first sign of a crash ends its life.
    pub fn watch(mut stream: impl AsyncRead + Unpin + Send + 'static, life: Life) -> Console {
        let tail = Tail::default();
        let (end, ended) = watch::channel(false);
        let console = Console { tail: tail.clone(), ended };
        tokio::spawn(async move {
            if let Some(line) = read(&mut stream, &tail).await {
                // What follows the first line of a crash tells where it happened.
                let _ = tokio::time::timeout(TRACE_LIMIT, read_trace(&mut stream, &tail)).await;
                life.crash(told(&line, &tail));
                while read(&mut stream, &tail).await.is_some() {}
            }
            let _ = end.send(true);
        });
        console
    }

    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Waits until everything that a dead machine printed has come in: its last words say why it died.
    pub async fn drained(mut self) {
        let _ = tokio::time::timeout(DRAIN_LIMIT, self.ended.wait_for(|ended| *ended)).await;
    }
}

/// Keeps what comes, until it tells of a crash or ends.
async fn read(stream: &mut (impl AsyncRead + Unpin), tail: &Tail) -> Option<String> {
    let mut scanner = Scanner::default();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        tail.keep(&buffer[..length]);
        if let Some(line) = scanner.feed(&buffer[..length]) {
            return Some(line);
        }
    }
}

async fn read_trace(stream: &mut (impl AsyncRead + Unpin), tail: &Tail) {
    let mut scanner = Scanner { signs: &[TRACE_END], ..Scanner::default() };
    let mut buffer = [0; 4096];
    while let Ok(Ok(length @ 1..)) = tokio::time::timeout(QUIET, stream.read(&mut buffer)).await {
        tail.keep(&buffer[..length]);
        if scanner.feed(&buffer[..length]).is_some() {
            return;
        }
    }
}

/// The line of a crash as the tail has it: rid of secrets before it was cut anywhere.
fn told(line: &str, tail: &Tail) -> String {
    let text = tail.text();
    let is_crash = |line: &&str| CRASHES.iter().any(|sign| line.contains(sign));
    match text.lines().find(is_crash) {
        Some(line) => line.trim_end().chars().take(LINE_LIMIT).collect(),
        None => secret::hide(line).into_owned(),
    }
}

/// Finds lines with a sign, of a crash if nothing else is said, in a stream that arrives in arbitrary pieces.
struct Scanner {
    signs: &'static [&'static str],
    line: Vec<u8>,
}

impl Default for Scanner {
    fn default() -> Self {
        Scanner { signs: &CRASHES, line: Vec::new() }
    }
}

impl Scanner {
    /// The line with the sign, once it is complete.
    fn feed(&mut self, bytes: &[u8]) -> Option<String> {
        let mut found = None;
        for &byte in bytes {
            if byte != b'\n' && self.line.len() < LINE_LIMIT {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
            if found.is_none() && self.signs.iter().any(|sign| line.contains(sign)) {
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
    use record::MachineError;
    use rstest::rstest;
    use tokio::io::AsyncWriteExt;

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

    #[tokio::test]
    async fn a_crash_is_told_with_what_follows_it() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let life = Life::new("machine");
        let console = Console::watch(ours, life.clone());
        theirs.write_all(b"Kernel panic - not syncing: x\r\nCall trace:\r\n").await.unwrap();
        theirs.write_all(b"---[ end Kernel panic ]---\r\n").await.unwrap();
        assert!(
            matches!(life.over().await, MachineError::Crashed { line, .. } if line.ends_with("syncing: x"))
        );
        assert!(console.tail().text().ends_with("Call trace:\r\n---[ end Kernel panic ]---\r\n"));
    }

    #[tokio::test]
    async fn a_crash_is_told_without_secrets() {
        secret::declare("crash", b"printed-by-a-dying-kernel").unwrap();
        let (ours, mut theirs) = tokio::io::duplex(64);
        let life = Life::new("machine");
        let _console = Console::watch(ours, life.clone());
        // So long that its line is scanned in pieces, with the secret in two of them.
        let text = format!("Oops: {}printed-by-a-dying-kernel\n---[ end\n", "-".repeat(LINE_LIMIT - 16));
        theirs.write_all(text.as_bytes()).await.unwrap();
        let told = life.over().await.to_string();
        assert!(told.contains("Oops: ---") && !told.contains("printed"), "{told}");
    }

    #[test]
    fn a_crash_that_the_tail_has_lost_is_told_without_secrets_too() {
        secret::declare("lost", b"printed-and-scrolled-away").unwrap();
        let told = told("Oops: printed-and-scrolled-away", &Tail::default());
        assert_eq!(told, format!("Oops: {}", secret::HIDDEN));
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
