//! Where lines are printed: a stream, or a terminal with a status line below them.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

pub enum Screen {
    Plain(Box<dyn Write + Send>),
    Live(ProgressBar),
}

impl Screen {
    pub fn plain(out: Box<dyn Write + Send>) -> Self {
        Screen::Plain(out)
    }

    pub fn live() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_finish(ProgressFinish::AndClear);
        // `wide_msg` cuts at the edge of the terminal: a wrapped status line cannot be drawn over.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Screen::Live(bar)
    }

    pub fn is_live(&self) -> bool {
        matches!(self, Screen::Live(_))
    }

    /// Prints whole lines above the status. A reader that went away is no reason to end a run.
    pub fn print(&mut self, text: &str) {
        match self {
            Screen::Plain(out) => {
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
            Screen::Live(bar) => bar.suspend(|| {
                let _ = std::io::stderr().write_all(text.as_bytes());
            }),
        }
    }

    /// Replaces the status line, where there is one.
    pub fn show(&mut self, status: &str) {
        if let Screen::Live(bar) = self {
            bar.set_message(status.to_owned());
        }
    }

    pub fn close(&mut self) {
        if let Screen::Live(bar) = self {
            bar.finish_and_clear();
        }
    }
}
