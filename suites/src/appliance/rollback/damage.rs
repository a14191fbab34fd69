//! A marker that is not what the agent wrote, or that cannot be written.

use std::path::Path;
use std::time::Duration;

use harness::fault::FullDisk;
use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect, violated};

use super::appliance::Appliance;
use super::journal::{ERROR, last_words};
use super::settings::rollback;
use super::state::State;
use super::{ORDER, WATCHDOG};
use crate::appliance::document;

pub fn garbage_marker() -> Check {
    Check::hazard(
        "rollback.garbage-marker",
        document("State Files"),
        "An unreadable marker (empty, cut short, other format, wrong types) never persists and never \
         wedges: it ends rolled back or flagged within the bound.",
        garbage_marker_holds,
    )
    .needs([Need::Undo])
    .mutant_at_boot(
        "script that dies on it every time",
        [Edit::replace(WATCHDOG, "if ! is_readable; then\n", "if ! is_readable; then\n    exit 1\n")],
    )
}

async fn garbage_marker_holds(trial: &Trial) -> Outcome {
    let (appliance, before) = Appliance::pending(trial, &rollback(trial)?.flake.unhealthy).await?;
    let pending = appliance.state().await?;
    let marker = pending.marker.clone().unwrap_or_default();
    let mut half = marker.len() / 2;
    while !marker.is_char_boundary(half) {
        half -= 1;
    }
    let wrong_types = marker.replace(|c: char| c.is_ascii_digit(), "x").replace('/', "?");
    let garbage = ["", &marker[..half], "[\"rebuild\", null, 1e400]\n", &wrong_types];
    for content in garbage {
        if appliance.state().await?.current != pending.current {
            let again = format!("{}/bin/switch-to-configuration test", pending.current);
            // What it says of units is not what matters here.
            appliance.machine.run(&again).await?;
            appliance.soon("it can be activated again", &appliance.runs(&pending)).await?;
        }
        appliance.write_marker(content).await?;
        // A flag beside it is no reason to persist what nobody knows.
        appliance.flag().await?;
        appliance.watch().await?;
        if !ended(&appliance, &before).await? {
            appliance.lapse_past_limit().await?;
        }
        let after = appliance.state().await?;
        let kept = after.boot_default == before.boot_default;
        expect(kept, format!("{} with the marker {content:?}", before.boot_default), &after)?;
        let ended = ended(&appliance, &before).await?;
        expect(ended, format!("rolled back or flagged with the marker {content:?}"), after)?;
        appliance.forget_said().await?;
    }
    Ok(())
}

/// Whether it is rolled back, or the watchdog has logged an error or asked for a person.
async fn ended(appliance: &Appliance, before: &State) -> Result<bool, Stop> {
    let state = appliance.state().await?;
    let said = appliance.said().await?;
    let flagged = appliance.asks_for_help(&said) || said.iter().any(|said| said.priority <= ERROR);
    Ok((state.is_settled() && state.current == before.current) || flagged)
}

pub fn previous_missing() -> Check {
    Check::must(
        "rollback.previous-missing",
        document("Update System"),
        "Previous system gone: an error that asks for a person is logged, nothing else is touched.",
        previous_missing_holds,
    )
    .needs([Need::Undo, Need::Lapse])
    .mutant_at_boot(
        "gives the rebuild up",
        [Edit::replace(
            WATCHDOG,
            "manual intervention is needed\"\n",
            "manual intervention is needed\"\n        settled\n",
        )],
    )
}

async fn previous_missing_holds(trial: &Trial) -> Outcome {
    let (appliance, _) = Appliance::pending(trial, &rollback(trial)?.flake.unhealthy).await?;
    let pending = appliance.state().await?;
    // Nobody can boot without the real one.
    let gone = "/nix/store/00000000000000000000000000000000-gone";
    let text = pending.marker.clone().unwrap_or_default();
    let previous = pending.marker(&appliance.rollback).and_then(|marker| marker.previous);
    let Some(previous) = previous.filter(|previous| text.contains(previous.as_str())) else {
        return violated("the marker names the previous system", pending).map_err(Stop::undecided);
    };
    appliance.write_marker(&text.replace(&previous, gone)).await?;
    let (pending, agent) = (appliance.state().await?, appliance.agent().await?);

    appliance.lapse_past_limit().await?;
    let said = appliance.said().await?;
    let expected = format!("the watchdog says in the journal {:?}", appliance.rollback.help);
    expect(appliance.asks_for_help(&said), expected, last_words(&said))?;
    appliance.is_as(&pending, "nothing else is touched").await?;
    let after = appliance.agent().await?;
    expect(after.invocation == agent.invocation, "the same agent runs on", after)
}

pub fn disk_full() -> Check {
    Check::hazard(
        "rollback.disk-full",
        document("State Files"),
        "No room for the marker: the order is refused before activation.",
        disk_full_holds,
    )
    .needs([Need::Undo])
    .mutant_at_boot(
        "marker write unchecked",
        [Edit::replace(ORDER, "&& sync \"$draft\" || refuse \"the marker cannot be written\"", "")],
    )
}

/// Longer than an order takes that is carried out although it was refused.
const QUIET: Duration = Duration::from_secs(20);

async fn disk_full_holds(trial: &Trial) -> Outcome {
    let appliance = Appliance::fresh(trial).await?;
    let before = appliance.state().await?;
    let directory = appliance.rollback.marker.parent().unwrap_or(Path::new("/"));
    // Never undone: the machine is thrown away.
    let _full = FullDisk::at(&*appliance.machine, &directory.to_string_lossy()).await?;
    let ordered = appliance.order(&appliance.rollback.flake.healthy).await?;
    expect(!ordered.success(), "without room for the marker the order is refused", ordered)?;
    appliance.lapse(QUIET).await?;
    let after = appliance.state().await?;
    expect(after.current == before.current, format!("{} runs on", before.current), after)
}
