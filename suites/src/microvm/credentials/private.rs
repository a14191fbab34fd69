//! Whether a file is to be read by one user alone.

use harness::{Machine, Outcome, expect};

/// That one user can read a file and do nothing else with it, and others, members of its group among them, cannot
/// read it: 0400, as it works. As it looks, it may be 0440: systemd lets the user in by an ACL, and the mask of
/// an ACL stands where the mode has the group's bits.
pub async fn private(machine: &dyn Machine, user: &str, file: &str) -> Outcome {
    let script = format!(
        "can() {{ setpriv --reuid=$1 --regid=$2 --clear-groups -- test $3 '{file}'; }}
         can {user} nogroup -r || echo \"{user} cannot read it\"
         ! can {user} nogroup -w || echo \"{user} can write to it\"
         ! can user user -r || echo \"another user can read it\"
         ! can user $(stat --format=%G '{file}') -r || echo \"a member of its group can read it\""
    );
    let seen = machine.run(&script).await?;
    let holds = seen.success() && seen.text().is_empty();
    expect(holds, format!("{file} is there for {user} to read, and for nobody else"), seen)
}
