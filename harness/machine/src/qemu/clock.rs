//! What the clock of an idle guest does.

use std::fs::File;
use std::io::{self, Read};

use super::ramfile;

/// What the clock of an idle guest does. A busy one's passes with its instructions, where they are emulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// It follows real time.
    Real,
    /// It jumps to the guest's next timer. It is held, and so the guest kept from being idle, except while it
    /// is told to let time pass.
    Lapse,
}

impl Clock {
    /// Guest time follows the instructions that the guest has executed, one a nanosecond. So a guest on a busy
    /// host finds itself on a slow day, not on a slow processor, and a documented limit such as "within 5 s"
    /// means the same everywhere.
    pub fn instructions(self) -> &'static str {
        match self {
            Clock::Real => "shift=0,sleep=on",
            Clock::Lapse => "shift=0,sleep=off",
        }
    }
}

/// The section that QEMU saves of the timer that moves an idle clock with real time (`icount_vmstate_warp_timer`
/// in its `softmmu/cpu-timers.c`). Where an idle clock jumps there is no such timer, and QEMU cannot load it.
const REAL_TIME: &[u8] = b"\x05\x17timer/icount/warp_timer\0\0\0\x01";

/// What follows it, in bytes: when the clock began to be idle, and when the timer ends.
const REAL_TIMES: usize = 16;

/// The devices' state of a machine whose idle clock follows real time, for one whose idle clock jumps.
pub fn without_real_time(state: &File) -> io::Result<File> {
    let mut bytes = Vec::new();
    ramfile::reopen(state)?.read_to_end(&mut bytes)?;
    cut(&mut bytes).ok_or_else(|| io::Error::other("its state has no clock that follows real time"))?;
    ramfile::holding(&bytes)
}

/// Cuts the section out. None if it is not there exactly once.
fn cut(state: &mut Vec<u8>) -> Option<()> {
    let mut found = state.windows(REAL_TIME.len()).enumerate().filter(|(_, window)| *window == REAL_TIME);
    let (Some((at, _)), None) = (found.next(), found.next()) else { return None };
    let end = at + REAL_TIME.len() + REAL_TIMES;
    (end <= state.len()).then(|| drop(state.drain(at..end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(sections: &[&[u8]]) -> Vec<u8> {
        sections.concat()
    }

    #[test]
    fn the_timer_of_real_time_is_cut_out() {
        let mut bytes = state(&[b"before", REAL_TIME, &[7; REAL_TIMES], b"after"]);
        assert_eq!(cut(&mut bytes), Some(()));
        assert_eq!(bytes, b"beforeafter");
    }

    #[test]
    fn a_state_that_is_not_as_expected_is_refused() {
        let section = state(&[REAL_TIME, &[0; REAL_TIMES]]);
        for other in [state(&[b"nothing"]), state(&[&section, &section]), state(&[REAL_TIME, &[0; 3]])] {
            assert_eq!(cut(&mut other.clone()), None, "{other:?}");
        }
    }
}
