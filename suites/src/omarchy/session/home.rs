//! Whose the user's files are.

use harness::{Check, Edit, Outcome, Trial, expect};

use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn no_root_owned_home(omarchy: &Omarchy) -> Check {
    let keyrings = omarchy.keyrings();
    Check::must(
        "session.no-root-owned-home",
        document("Race Conditions and Mitigations, 4"),
        "After provisioning nothing below the user's home is owned by root (O: race 4).",
        no_root_owned_home_holds,
    )
    .needs([])
    .mutant(
        "one step run as root",
        [Edit::run(format!("cd {keyrings} && printf login >new && mv new default"))],
    )
}

/// As many as a sentence can name.
const NAMED: usize = 5;

async fn no_root_owned_home_holds(trial: &Trial) -> Outcome {
    let (home, machine) = (omarchy(trial)?.home(), trial.machine().await?);
    // What is mounted there is not of the home, and may not be for root to see; what goes away meanwhile is nobody's.
    let find = format!("test -d {home} && {{ find {home} -xdev -ignore_readdir_race -user root || true; }}");
    let found = machine.run(&find).await?;
    expect(found.success(), format!("the user has a home, {home}"), &found)?;
    let text = found.text();
    let paths: Vec<&str> = text.lines().collect();
    let named = paths.iter().take(NAMED).map(|path| format!("{path:?}")).collect::<Vec<_>>().join(", ");
    let more = if paths.len() > NAMED { ", …" } else { "" };
    let observed = format!("{} files are root's: {named}{more}", paths.len());
    expect(paths.is_empty(), format!("root owns nothing below {home}"), observed)
}
