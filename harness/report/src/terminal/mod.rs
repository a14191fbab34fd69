//! Tells a run on the terminal as it happens, and sums it up at its end.
//!
//! Everything goes to standard error, as cargo and nextest do with what they say of their own work: standard
//! output stays free for what a command was asked for, such as `assay list --json`.

mod detail;
mod kills;
mod line;
mod look;
mod screen;
mod status;
mod style;
mod summary;

use std::io::Write;
use std::sync::Mutex;

pub use detail::{detail, kill_detail};
pub use kills::kills;
pub use line::line;
pub use look::Look;
pub use status::Status;
pub use style::{Style, Tone};
pub use summary::summary;

use record::event::{Event, Fate, Listener};
use record::{Evidence, Verdict};

use super::{Purpose, Run};
use screen::Screen;

/// The listener that speaks to a person.
pub struct Terminal(Mutex<State>);

struct State {
    screen: Screen,
    style: Style,
    quiet: bool,
    status: Status,
    /// Without the evidence, which was printed when it came.
    run: Run,
}

impl Terminal {
    /// Standard error, as this process finds it. A quiet one tells only what did not go as it should, and the end.
    pub fn stderr(purpose: Purpose, quiet: bool) -> Self {
        let look = Look::of_stderr();
        let screen = if look.live { Screen::live() } else { Screen::plain(Box::new(std::io::stderr())) };
        Self::on(screen, Style { colour: look.colour }, purpose, quiet)
    }

    /// One line per event to `out`, flushed, without colour.
    pub fn plain(out: Box<dyn Write + Send>, purpose: Purpose) -> Self {
        Self::on(Screen::plain(out), Style { colour: false }, purpose, false)
    }

    fn on(screen: Screen, style: Style, purpose: Purpose, quiet: bool) -> Self {
        Self(Mutex::new(State { screen, style, quiet, status: Status::default(), run: Run::new(purpose) }))
    }
}

impl Listener for Terminal {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).hear(&event.without_secrets());
    }
}

impl State {
    fn hear(&mut self, event: &Event) {
        self.remember(event);
        self.status.hear(event);
        if let Some(text) = self.text(event) {
            self.screen.print(&text);
        }
        match event {
            Event::Ended { .. } => self.screen.close(),
            _ => self.screen.show(&self.status.to_string()),
        }
    }

    fn remember(&mut self, event: &Event) {
        self.run.hear(event);
        if let Some(case) = self.run.cases.last_mut() {
            case.evidence = Evidence::default();
        }
        if let Some(kill) = self.run.kills.last_mut() {
            kill.evidence = Evidence::default();
        }
    }

    fn text(&self, event: &Event) -> Option<String> {
        match event {
            _ if self.quiet && is_as_it_should_be(event) => None,
            // The status says these while they last, and a line says how they ended.
            Event::Preparing { .. } | Event::CheckBegan { .. } if self.screen.is_live() => None,
            Event::Ended { .. } => Some(summary(&self.run, self.style)),
            Event::CheckEnded(case) => Some(line(event, self.style)? + &detail(case, self.style)),
            Event::MutantEnded(kill) => Some(line(event, self.style)? + &kill_detail(kill)),
            _ => line(event, self.style),
        }
    }
}

/// What nobody has to do anything about.
fn is_as_it_should_be(event: &Event) -> bool {
    match event {
        Event::CheckEnded(case) => matches!(case.verdict, Verdict::Passed | Verdict::Skipped { .. }),
        Event::MutantEnded(kill) => matches!(kill.fate, Fate::Killed { .. }),
        Event::Ended { .. } | Event::Noted { .. } => false,
        _ => true,
    }
}
