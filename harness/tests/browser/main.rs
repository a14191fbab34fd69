//! What people see of a report, in a real browser.
//!
//! They run with `ASSAY_BROWSER_TESTS=1`, as `just test-report` does, in headless Chromium.

mod browser;
mod hostile;
mod keyboard;
mod large;
mod pages;
mod views;

/// Ends the test, saying why, unless a browser is wanted.
macro_rules! needs_browser {
    () => {
        if !crate::browser_is_wanted() {
            return;
        }
    };
}
use needs_browser;

fn browser_is_wanted() -> bool {
    use std::io::Write;
    static SAID: std::sync::Once = std::sync::Once::new();

    let wanted = std::env::var_os("ASSAY_BROWSER_TESTS").is_some();
    if !wanted {
        // Past the capture of the test's own output: that a test was skipped must be seen.
        let why =
            "skipped: these tests start a browser; `just test-report` runs them (ASSAY_BROWSER_TESTS=1)";
        SAID.call_once(|| drop(writeln!(std::io::stderr(), "{why}")));
    }
    wanted
}
