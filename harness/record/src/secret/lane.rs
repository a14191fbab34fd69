//! One search through a stream: with white space, or as if there was none.

use std::collections::VecDeque;

use aho_corasick::automaton::StateID;

use super::anchors::{self, Anchors, Place};
use super::form::Spacing;
use super::marks::Marks;

/// More white space than this, in bytes, ends whatever was before it. A line break with an indentation is less.
const GAP: usize = 64;

/// How many forms are followed at a time. More than a few are possible only in a secret that repeats itself, and there
/// one is like the other.
const RUNS: usize = 64;

/// The shortest beginning of a secret that is held back, in bytes: what is shorter tells nothing, and every second
/// word ends so.
const BEGINNING: usize = 4;

/// Where a search is.
#[derive(Debug, Clone)]
pub struct Lane {
    spacing: Spacing,
    state: StateID,
    /// The last bytes that count, with their places in the stream, as many as an anchor reaches back.
    recent: VecDeque<(u64, u8)>,
    runs: Vec<Run>,
    /// How much white space there is after the last of them.
    gap: usize,
}

/// A form that goes on after an anchor.
#[derive(Debug, Clone)]
struct Run {
    next: Place,
    /// The place in the stream after what was found of it.
    end: u64,
}

impl Lane {
    pub fn new(spacing: Spacing, anchors: &Anchors) -> Lane {
        Lane { spacing, state: anchors.start(), recent: VecDeque::new(), runs: Vec::new(), gap: 0 }
    }

    /// Reads the byte at a place of the stream and marks what turns out to be secret.
    pub fn read(&mut self, anchors: &Anchors, at: u64, byte: u8, marks: &mut Marks) {
        if self.spacing == Spacing::Free && byte.is_ascii_whitespace() {
            self.gap += 1;
            if self.gap == GAP {
                *self = Lane::new(self.spacing, anchors);
            }
            return;
        }
        self.gap = 0;
        if self.recent.len() == anchors.reach {
            self.recent.pop_front();
        }
        self.recent.push_back((at, byte));
        self.runs.retain_mut(|run| {
            let goes_on = anchors.form(run.next.form).has(byte, run.next.at as isize);
            if goes_on {
                marks.add(run.end..at + 1);
                (run.next.at, run.end) = (run.next.at + 1, at + 1);
            }
            goes_on
        });
        let followed = anchors.follow(self.state, byte, |length, places| {
            for place in places {
                self.found(anchors, *place, length, marks);
            }
        });
        match followed {
            Some(state) => self.state = state,
            None => marks.add(at..at + 1),
        }
    }

    /// Marks an anchor that ends here, and what stands before it.
    fn found(&mut self, anchors: &Anchors, place: Place, length: usize, marks: &mut Marks) {
        let next = Place { at: place.at + length, ..place };
        if self.runs.iter().any(|run| run.next == next) {
            return;
        }
        let form = anchors.form(place.form);
        let mut backwards = self.recent.iter().rev();
        let Some((last, _)) = backwards.next() else { return };
        let mut start = *last;
        for (expected, (at, byte)) in (-1..next.at as isize - 1).rev().zip(backwards) {
            if !form.has(*byte, expected) {
                break;
            }
            start = *at;
        }
        let end = last + 1;
        marks.add(start..end);
        if self.runs.len() < RUNS {
            self.runs.push(Run { next, end });
        }
    }

    /// The earliest place in the stream where something may still turn out to be secret.
    pub fn open(&self) -> Option<u64> {
        self.recent.front().map(|(at, _)| *at)
    }

    /// Where the stream ends with what may be the beginning of a secret.
    pub fn begun(&self, anchors: &Anchors) -> Option<u64> {
        let skipped = self.recent.len().saturating_sub(anchors::LENGTH - 1);
        let (places, bytes): (Vec<u64>, Vec<u8>) = self.recent.iter().skip(skipped).copied().unzip();
        let mut endings = bytes.windows(BEGINNING).enumerate().map(|(begin, _)| begin);
        endings.find(|begin| anchors.begin_with(&bytes[*begin..])).map(|begin| places[begin])
    }
}
