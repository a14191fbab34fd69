//! The same reading checks by this harness and by others, on the same image.

mod other;
mod testinfra;
mod vmtest;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::image::{Image, Recipe};
use harness::lab::{BOOT_LIMIT, Drives, Kind, Stage, booted, prepare};
use harness::machine::qemu::Clock;
use harness::{Home, Machine, Target, Transcript};
use serde::Serialize;

use crate::table::Table;

/// What is asked. None of it changes the guest, so that checks can share one where the program lets them.
const COMMANDS: [&str; 5] = [
    "systemctl is-active dbus.service",
    "test $(stat -c %a /etc/shadow) = 640",
    "test $(findmnt -n -o FSTYPE /) = ext4",
    "grep -q trixie /etc/os-release",
    "systemctl show -P LoadState dbus.service",
];

/// To divide what all of them take.
const EACH: u32 = COMMANDS.len() as u32;

pub const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench/compare/target.toml");
const ROUNDS: usize = 3;

pub const FORK: &str = "a reading check: assay, on a fork of its own";
const SHARED: &str = "a reading check: assay, on a fork that all share";
pub const COLD: &str = "a reading check: a cold boot of its own";
pub const VMTEST: &str = "a reading check: vmtest, on a boot of its own";
const TESTINFRA: &str = "a reading check: testinfra over SSH, on a machine that is up and that all share";

/// What could not be measured, and why.
#[derive(Serialize)]
pub struct Skipped {
    pub what: &'static str,
    pub why: String,
}

/// Measures all in turns, so that what else the host does hits all alike.
pub async fn all(listener: &Arc<dyn Listener>, table: &mut Table) -> anyhow::Result<Vec<Skipped>> {
    let cache = Cache::open()?;
    let target = Target::find(TARGET, &Home::find()?)?;
    let lab = prepare(&target, &cache, Kind::Virtual(None), listener).await?;
    let stage = lab.stage(None)?;
    let guest = target.stages.values().next().context("the target has no stage")?;
    let image = Image::ensure(&Recipe::load(&guest.recipe)?, &cache, &|_| {}).await?;

    let mut skipped: Vec<Skipped> = Vec::new();
    // What the first fork reads from the disk, all later ones find in memory.
    fork(stage, &COMMANDS).await?;
    for (round, command) in (1..=ROUNDS).zip(COMMANDS) {
        listener.hear(&Event::Noted { text: format!("comparison, round {round} of {ROUNDS}") });
        for command in COMMANDS {
            let began = Instant::now();
            fork(stage, &[command]).await?;
            table.time(FORK, began.elapsed());
        }
        let began = Instant::now();
        fork(stage, &COMMANDS).await?;
        table.time(SHARED, began.elapsed() / EACH);
        let began = Instant::now();
        cold_boot(stage, command).await?;
        table.time(COLD, began.elapsed());

        // What could not be done once is not tried again.
        if !skipped.iter().any(|skipped| skipped.what == VMTEST) {
            note(VMTEST, vmtest::check(&image, guest, command).await, table, &mut skipped);
        }
        if !skipped.iter().any(|skipped| skipped.what == TESTINFRA) {
            note(TESTINFRA, testinfra::check(stage).await, table, &mut skipped);
        }
    }
    Ok(skipped)
}

fn note(
    what: &'static str,
    measured: anyhow::Result<Duration>,
    table: &mut Table,
    skipped: &mut Vec<Skipped>,
) {
    match measured {
        Ok(took) => table.time(what, took),
        Err(error) => skipped.push(Skipped { what, why: format!("{error:#}") }),
    }
}

async fn fork(stage: &Stage, commands: &[&str]) -> anyhow::Result<()> {
    let vm = stage.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
    for command in commands {
        vm.succeed(command).await?;
    }
    vm.kill().await;
    Ok(())
}

async fn cold_boot(stage: &Stage, command: &str) -> anyhow::Result<()> {
    let transcript = Transcript::default();
    let vm = stage.power_on_cold(&transcript).await?;
    vm.answers(BOOT_LIMIT).await?;
    booted(&vm).await?;
    vm.succeed(command).await?;
    vm.kill().await;
    Ok(())
}
