//! Colours, or none.

use record::Verdict;
use record::event::Fate;

/// Whether text may carry colour. Without it every word still says everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub colour: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum Tone {
    Good,
    Bad,
    Unclear,
    Quiet,
    Strong,
}

impl Style {
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Unclear => "33",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The first word of a line, as wide as the longest verdict so that what follows is in one column.
    pub fn word(self, tone: Tone, word: &str) -> String {
        self.paint(tone, &format!("{word:<7}"))
    }
}

impl From<&Verdict> for Tone {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Passed => Tone::Good,
            Verdict::Failed(_) => Tone::Bad,
            Verdict::Broken { .. } => Tone::Unclear,
            Verdict::Skipped { .. } => Tone::Quiet,
        }
    }
}

impl From<&Fate> for Tone {
    fn from(fate: &Fate) -> Self {
        match fate {
            Fate::Killed { .. } => Tone::Good,
            Fate::Survived => Tone::Bad,
            Fate::Undecided { .. } => Tone::Unclear,
        }
    }
}
