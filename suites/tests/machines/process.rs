//! The processes of one run, found by a mark in their environment.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The variable that marks a run and everything that it starts.
pub const MARK: &str = "ASSAY_TEST_RUN";

const LIMIT: Duration = Duration::from_secs(60);

/// The numbers of all living processes that have this mark, and this in their command line.
pub fn marked(mark: &str, part: &str) -> Vec<i32> {
    let wanted = format!("{MARK}={mark}");
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|number| {
            let process = Path::new("/proc").join(number.to_string());
            // The dead that nobody has waited for have no environment.
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            let command = fs::read(process.join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command);
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
                && command.contains(part)
        })
        .collect()
}

/// Waits for what must happen soon.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < LIMIT, "waited for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
