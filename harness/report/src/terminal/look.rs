//! What a terminal can show.

use std::io::IsTerminal;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub colour: bool,
    /// Whether a line that was written can be drawn over.
    pub live: bool,
}

impl Look {
    pub fn of_stderr() -> Self {
        Self::of(&std::io::stderr())
    }

    pub fn of_stdout() -> Self {
        Self::of(&std::io::stdout())
    }

    fn of(stream: &impl IsTerminal) -> Self {
        let variable = |name| std::env::var(name).unwrap_or_default();
        Self::new(stream.is_terminal(), &variable("NO_COLOR"), &variable("TERM"))
    }

    /// `NO_COLOR` counts when it is not empty (no-color.org); a dumb terminal can neither colour nor move.
    fn new(terminal: bool, no_color: &str, term: &str) -> Self {
        let able = terminal && term != "dumb";
        Self { colour: able && no_color.is_empty(), live: able }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::terminal(true, "", "xterm", true, true)]
    #[case::no_colour_wanted(true, "1", "xterm", false, true)]
    #[case::dumb(true, "", "dumb", false, false)]
    #[case::pipe(false, "", "xterm", false, false)]
    fn fits(
        #[case] terminal: bool,
        #[case] no_color: &str,
        #[case] term: &str,
        #[case] colour: bool,
        #[case] live: bool,
    ) {
        assert_eq!(Look::new(terminal, no_color, term), Look { colour, live });
    }
}
