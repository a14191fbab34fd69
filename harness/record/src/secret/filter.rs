//! Takes secrets out of a stream that comes in pieces.

use std::borrow::Cow;
use std::sync::Arc;

use super::HIDDEN;
use super::anchors::{Anchors, stride};
use super::form::{Form, Spacing};
use super::lane::Lane;
use super::marks::Marks;

/// How much is searched before any of it is passed on, in bytes.
const BLOCK: usize = 64 << 10;

/// The searches that a stream goes through.
const SEARCHES: [Spacing; 2] = [Spacing::Counts, Spacing::Free];

/// All that is looked for.
pub struct Set([Anchors; 2]);

impl Set {
    pub fn new(forms: &[Arc<Form>]) -> Set {
        let stride = stride(forms.iter().map(|form| form.text.len()).sum());
        Set(SEARCHES.map(|spacing| {
            let forms = forms.iter().filter(|form| form.spacing == spacing);
            Anchors::new(forms.cloned().collect(), stride)
        }))
    }
}

/// A stream on its way.
#[derive(Clone)]
pub struct Filter {
    set: Arc<Set>,
    lanes: [Lane; 2],
    marks: Marks,
    /// What was read and not passed on.
    held: Vec<u8>,
    /// How much was passed on or left out.
    passed: u64,
    /// The last of that was left out.
    hiding: bool,
}

impl Filter {
    pub fn new(set: Arc<Set>) -> Filter {
        let lane = |search: usize| Lane::new(SEARCHES[search], &set.0[search]);
        Filter {
            lanes: [lane(0), lane(1)],
            set,
            marks: Marks::default(),
            held: Vec::new(),
            passed: 0,
            hiding: false,
        }
    }

    pub fn is_of(&self, set: &Arc<Set>) -> bool {
        Arc::ptr_eq(&self.set, set)
    }

    /// Everything in one piece.
    pub fn whole(mut self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let mut out = Vec::with_capacity(bytes.len());
        self.push(bytes, &mut out);
        self.finish(&mut out);
        if out == bytes { Cow::Borrowed(bytes) } else { Cow::Owned(out) }
    }

    /// Takes a piece, and passes on what no later piece can change.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for block in bytes.chunks(BLOCK) {
            let read = self.passed + self.held.len() as u64;
            for (at, byte) in (read..).zip(block) {
                for (lane, anchors) in self.lanes.iter_mut().zip(&self.set.0) {
                    lane.read(anchors, at, *byte, &mut self.marks);
                }
            }
            self.held.extend_from_slice(block);
            let open = self.lanes.iter().filter_map(Lane::open).min();
            self.pass(open.unwrap_or(u64::MAX), out);
        }
    }

    /// Passes on all that is held back, but not what may be the beginning of a secret.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        let lanes = self.lanes.iter().zip(&self.set.0);
        let begun = lanes.filter_map(|(lane, anchors)| lane.begun(anchors)).min();
        self.pass(begun.unwrap_or(u64::MAX), out);
    }

    /// Passes on the rest.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.pass(u64::MAX, out);
    }

    /// Passes on everything before this place in the stream.
    fn pass(&mut self, until: u64, out: &mut Vec<u8>) {
        let first = self.passed;
        let until = until.min(first + self.held.len() as u64);
        let held = |place: u64| (place - first) as usize;
        while self.passed < until {
            let mark = self.marks.first().unwrap_or(until..u64::MAX);
            if mark.start > self.passed {
                let end = mark.start.min(until);
                out.extend_from_slice(&self.held[held(self.passed)..held(end)]);
                (self.passed, self.hiding) = (end, false);
                continue;
            }
            if !self.hiding {
                out.extend_from_slice(HIDDEN.as_bytes());
                self.hiding = true;
            }
            self.passed = mark.end.min(until);
            if mark.end <= until {
                self.marks.remove_first();
            }
        }
        self.held.drain(..held(self.passed));
    }
}
