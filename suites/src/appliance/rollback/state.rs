//! What an appliance is at, at one moment.

use std::fmt;

use harness::machine::quoted;
use harness::{Machine, Stop};

use super::marker::{self, Marker};
use super::settings::Rollback;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The system that runs.
    pub current: String,
    pub boot_default: Boots,
    pub verified: bool,
    /// The marker's content, when a rebuild is pending.
    pub marker: Option<String>,
}

/// What the boot loader starts next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boots {
    /// A system that is there.
    System(String),
    /// Nothing, for this reason.
    Nothing(String),
}

/// Prints the system that the boot loader starts by default, from the files that it reads itself, or `!` and why there
/// is none. The shell alone does it: in an emulator that has just started, every other program takes a tenth of a second.
const BOOT_DEFAULT: &str = "\
    boots() { key= entry=; \
    while read -r key entry; do [ \"$key\" != default ] || break; done </boot/loader/loader.conf; \
    [ \"$key\" = default ] && [ \"$entry\" ] || { echo '!no default entry is named'; return; }; \
    file=/boot/loader/entries/$entry; \
    [ -f \"$file\" ] || { echo \"!the default entry $entry does not exist\"; return; }; \
    key= options=; while read -r key options; do [ \"$key\" != options ] || break; done <\"$file\"; \
    case \" $options\" in *' init='*) ;; *) echo \"!the default entry $entry names no system\"; return ;; esac; \
    init=\" $options\"; init=${init#* init=}; init=${init%% *}; \
    [ -x \"$init\" ] || { echo \"!the default entry $entry starts $init, which cannot be started\"; return; }; \
    echo \"${init%/init}\"; }; boots";

impl State {
    pub async fn of<M: Machine + ?Sized>(machine: &M, rollback: &Rollback) -> Result<State, Stop> {
        let marker = quoted(&rollback.marker.to_string_lossy());
        let verified = quoted(&rollback.verified.to_string_lossy());
        // The marker may go at any moment.
        let asked = format!(
            "echo \"$(readlink /run/current-system)\"; {BOOT_DEFAULT}; [ -e {verified} ] && echo yes || echo no; \
             if marker=$(head -c {} {marker} 2>/dev/null && echo .); then echo pending; printf %s \"${{marker%.}}\"; fi",
            marker::LIMIT,
        );
        let answer = machine.succeed(&asked).await?;
        let mut lines = answer.splitn(5, '\n');
        let mut line = || lines.next().map(str::to_owned);
        let (Some(current), Some(boots), Some(verified)) = (line(), line(), line()) else {
            return Err(Stop::Broken(format!("the state of the appliance cannot be read: {answer:?}")));
        };
        let boot_default = match boots.strip_prefix('!') {
            Some(reason) => Boots::Nothing(reason.to_owned()),
            None => Boots::System(boots),
        };
        let marker = line().map(|_| line().unwrap_or_default());
        Ok(State { current, boot_default, verified: verified == "yes", marker })
    }

    pub fn marker(&self, rollback: &Rollback) -> Option<Marker> {
        self.marker.as_deref().map(|text| Marker::read(text, rollback))
    }

    /// Nothing is pending, and what runs is what boots.
    pub fn is_settled(&self) -> bool {
        self.marker.is_none() && self.boot_default == Boots::System(self.current.clone())
    }

    /// What is otherwise than before. A marker may be written anew, as long as it says the same of the rebuild.
    pub fn changes_since(&self, before: &State, rollback: &Rollback) -> Vec<String> {
        let mut changes = Vec::new();
        if self.current != before.current {
            changes.push(format!("{} runs instead of {}", self.current, before.current));
        }
        if self.boot_default != before.boot_default {
            changes.push(format!("{}, before: {}", self.boot_default, before.boot_default));
        }
        match (self.marker(rollback), before.marker(rollback)) {
            (Some(_), None) => changes.push("a rebuild is pending".into()),
            (None, Some(_)) => changes.push("nothing is pending any more".into()),
            (now, then) if now != then => changes.push("the marker says something else".into()),
            _ => {}
        }
        match (self.verified, before.verified) {
            (true, false) => changes.push("it is verified".into()),
            (false, true) => changes.push("it is no longer verified".into()),
            _ => {}
        }
        changes
    }
}

/// How much of a marker is shown, in characters.
const SHOWN: usize = 300;

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs, {}", self.current, self.boot_default)?;
        if self.verified {
            write!(f, ", it is verified")?;
        }
        match &self.marker {
            Some(marker) => {
                let shown: String = marker.trim_end().chars().take(SHOWN).collect();
                write!(f, ", a rebuild is pending: {shown:?}")
            }
            None => write!(f, ", nothing is pending"),
        }
    }
}

impl fmt::Display for Boots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Boots::System(system) => write!(f, "{system} boots by default"),
            Boots::Nothing(reason) => write!(f, "nothing boots by default: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(marker: &str) -> State {
        State {
            current: "new".into(),
            boot_default: Boots::System("old".into()),
            verified: false,
            marker: Some(marker.into()),
        }
    }

    #[test]
    fn a_marker_may_be_written_anew() {
        let marker = "timestamp=1\nprevious_system=/nix/store/a\nflake_ref=x\n";
        let counted = format!("{marker}attempts=1\n");
        let rollback = Rollback::default();
        assert!(pending(&counted).changes_since(&pending(marker), &rollback).is_empty());
        let other = marker.replace("/a", "/b");
        let changes = pending(&other).changes_since(&pending(marker), &rollback);
        assert_eq!(changes, ["the marker says something else"]);
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = pending("x");
        let reason = "the default entry 2.conf does not exist";
        let after = State {
            boot_default: Boots::Nothing(reason.into()),
            verified: true,
            marker: None,
            ..before.clone()
        };
        let changes = [
            "nothing boots by default: the default entry 2.conf does not exist, before: old boots by default",
            "nothing is pending any more",
            "it is verified",
        ];
        assert_eq!(after.changes_since(&before, &Rollback::default()), changes);
        assert!(!after.is_settled());
    }

    #[test]
    fn what_matters_comes_before_a_long_marker() {
        let state = State { verified: true, ..pending(&"x".repeat(1000)) };
        let told = state.to_string();
        assert!(
            told.starts_with("new runs, old boots by default, it is verified, a rebuild is pending: \"xxx")
        );
        assert!(told.len() < 400, "{told}");
    }
}
