//! A stream that comes in pieces, such as a console, without this process's secrets.

use std::fmt;

use super::filter::Filter;

/// Passes a stream on. A secret that is split over pieces is hidden all the same, so the end of what came so far is
/// held back.
#[derive(Clone, Default)]
pub struct Stream(Option<Filter>);

impl Stream {
    /// Takes the next piece, and adds to `out` what may be told now.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let set = super::set();
        let current = match (&self.0, &set) {
            (Some(filter), Some(set)) => filter.is_of(set),
            (None, None) => true,
            _ => false,
        };
        if !current {
            // A secret that was declared meanwhile is in nothing that came before.
            std::mem::take(self).finish(out);
            self.0 = set.map(Filter::new);
        }
        match &mut self.0 {
            Some(filter) => filter.push(bytes, out),
            None => out.extend_from_slice(bytes),
        }
    }

    /// Adds what is held back, but nothing that may be the beginning of a secret: for somebody who cannot wait.
    ///
    /// Of a secret whose beginning is missing, up to [`super::PIECE`] bytes may be told in this way.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(filter) = &mut self.0 {
            filter.flush(out);
        }
    }

    /// Adds what is held back, as no more will come.
    pub fn finish(self, out: &mut Vec<u8>) {
        if let Some(filter) = self.0 {
            filter.finish(out);
        }
    }
}

/// What is held back may be secret.
impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
