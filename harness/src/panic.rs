//! What a panic says.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};

use record::secret;

pub fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// Has panics told without secrets from now on. While there is none, they are told as ever.
pub fn hide_secrets() {
    let as_ever = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !secret::any_declared() {
            return as_ever(panic);
        }
        let thread = std::thread::current();
        let mut told = format!("\nthread '{}' {panic}\n", thread.name().unwrap_or("<unnamed>"));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            told.push_str(&format!("stack backtrace:\n{backtrace}"));
        }
        eprint!("{}", secret::hide(&told));
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Ends the process that runs it, so it is run in one of its own.
    #[test]
    #[ignore = "run by the test below"]
    fn panics() {
        hide_secrets();
        secret::declare("panic", b"in-a-panic-message").unwrap();
        panic!("cannot go on with {:?}", "in-a-panic-message");
    }

    #[test]
    fn a_panic_is_told_without_secrets() {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "panic::tests::panics", "--ignored", "--nocapture"]);
        let output = test.env("RUST_BACKTRACE", "1").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("panicked at harness/src/panic.rs:"), "{told}");
        assert!(told.contains("cannot go on with \"[secret]\""), "{told}");
        assert!(told.contains("stack backtrace:"), "{told}");
    }
}
