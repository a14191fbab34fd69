//! What is to be hidden in a stream.

use std::collections::VecDeque;
use std::ops::Range;

/// Stretches of a stream, in order, none touching the next. They are told as they end.
#[derive(Debug, Clone, Default)]
pub struct Marks(VecDeque<Range<u64>>);

impl Marks {
    /// Adds a stretch that ends where none ends later.
    pub fn add(&mut self, mut stretch: Range<u64>) {
        while let Some(last) = self.0.back().filter(|last| last.end >= stretch.start) {
            stretch.start = stretch.start.min(last.start);
            self.0.pop_back();
        }
        self.0.push_back(stretch);
    }

    pub fn first(&self) -> Option<Range<u64>> {
        self.0.front().cloned()
    }

    pub fn remove_first(&mut self) {
        self.0.pop_front();
    }
}
