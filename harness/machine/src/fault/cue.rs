//! Events in a guest that a fault can wait for.

use std::fmt;
use std::time::Duration;

use crate::qemu::word;

/// Something that happens in a guest. It counts when it happens the next time, not if it has happened before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cue {
    /// Something is made with this absolute path, or renamed or linked to it, or written in place, of which the first
    /// that shows is that the old content is gone. That a file exists already does not count. The directories above
    /// need not exist yet.
    FileAppears(String),
    /// What has this absolute path is removed, or renamed.
    FileVanishes(String),
    /// The journal takes a message that contains this text. Whoever writes a line waits for that, because the journal
    /// is given the processor first; what it writes further in the same system call is taken along.
    JournalSays(String),
    /// The service manager makes the control group of a unit, before the unit's first process.
    UnitStarts { unit: String, slice: String },
    /// The service manager removes the control group of a unit, after the unit's last process.
    UnitEnds { unit: String, slice: String },
}

impl Cue {
    /// A unit of the system slice starts.
    pub fn unit_starts(unit: &str) -> Cue {
        Cue::UnitStarts { unit: unit.into(), slice: SYSTEM.into() }
    }

    /// A unit of the system slice ends.
    pub fn unit_ends(unit: &str) -> Cue {
        Cue::UnitEnds { unit: unit.into(), slice: SYSTEM.into() }
    }

    /// The resident's order to stop at it, once a shell command has begun that is to bring it about.
    pub(super) fn order(&self, command: &str, limit: Duration) -> String {
        let (kind, what) = match self {
            Cue::FileAppears(path) => ("appears", path.clone()),
            Cue::FileVanishes(path) => ("vanishes", path.clone()),
            Cue::JournalSays(text) => ("journal", text.clone()),
            Cue::UnitStarts { unit, slice } => ("appears", control_group(unit, slice)),
            Cue::UnitEnds { unit, slice } => ("vanishes", control_group(unit, slice)),
        };
        let [what, command] = [what.as_str(), command].map(word);
        format!("stop_at {} {kind} {what} {command}", limit.as_nanos()).trim_end().to_owned()
    }
}

const SYSTEM: &str = "system.slice";

/// The directory of a unit's control group. A slice `a-b.slice` lies in `a.slice` (systemd.slice(5)).
fn control_group(unit: &str, slice: &str) -> String {
    let name = slice.trim_end_matches(".slice");
    let above = name.match_indices('-').map(|(at, _)| format!("/{}.slice", &name[..at]));
    format!("/sys/fs/cgroup{}/{name}.slice/{unit}", above.collect::<String>())
}

impl fmt::Display for Cue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cue::FileAppears(path) => write!(f, "{path} appears"),
            Cue::FileVanishes(path) => write!(f, "{path} vanishes"),
            Cue::JournalSays(text) => write!(f, "the journal says {text:?}"),
            Cue::UnitStarts { unit, .. } => write!(f, "{unit} starts"),
            Cue::UnitEnds { unit, .. } => write!(f, "{unit} ends"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_words_whatever_is_in_it() {
        let cue = Cue::JournalSays("a\nb".into());
        assert_eq!(
            cue.order("echo 'c d'", Duration::from_secs(1)),
            "stop_at 1000000000 journal 610a62 6563686f202763206427"
        );
        assert_eq!(cue.order("", Duration::from_nanos(5)), "stop_at 5 journal 610a62");
    }

    #[test]
    fn a_control_group_lies_in_its_slices() {
        assert_eq!(control_group("a.service", "system.slice"), "/sys/fs/cgroup/system.slice/a.service");
        assert_eq!(
            control_group("a@b.service", "system-a.slice"),
            "/sys/fs/cgroup/system.slice/system-a.slice/a@b.service"
        );
    }
}
