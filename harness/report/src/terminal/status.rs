//! What is going on right now, in one line.

use std::fmt;

use record::event::Event;
use record::{Invariant, text};

/// What has begun and not ended, and what has not begun.
#[derive(Debug, Default)]
pub struct Status {
    under_way: Vec<String>,
    planned: usize,
    left: Vec<String>,
}

impl Status {
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Planned { checks, .. } => {
                self.left.extend(checks.iter().map(Invariant::name));
                self.planned = self.left.len();
            }
            Event::Preparing { what } => self.under_way.push(text::line(what)),
            Event::Prepared { what, .. } => self.ended(&text::line(what)),
            Event::CheckBegan { name, .. } => self.under_way.push(name.clone()),
            Event::CheckEnded(case) => {
                let name = case.invariant.name();
                self.ended(&name);
                self.left.retain(|left| *left != name);
            }
            Event::MutantEnded(kill) => self.ended(&kill.invariant.name()),
            Event::Cut(_)
            | Event::Overlaid { .. }
            | Event::Laid(_)
            | Event::Provisioned { .. }
            | Event::Noted { .. }
            | Event::Ended { .. } => {}
        }
    }

    /// One of several under way by the same name: repetitions run side by side.
    fn ended(&mut self, name: &str) {
        if let Some(position) = self.under_way.iter().position(|known| known == name) {
            self.under_way.remove(position);
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.planned > 0 {
            write!(f, "{} of {} checks left", self.left.len(), self.planned)?;
        }
        let separator = if self.planned > 0 && !self.under_way.is_empty() { ": " } else { "" };
        write!(f, "{separator}{}", self.under_way.join(", "))
    }
}
