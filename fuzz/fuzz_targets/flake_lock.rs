#![no_main]
//! Any bytes are a lock file or are refused, and nothing changed between a lock file and itself.

use harness::gate::flake::{Lock, changes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lock) = Lock::parse(bytes) {
        assert!(changes(&lock, &lock).is_empty());
    }
});
