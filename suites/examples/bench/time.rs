//! How long machines take to be of use.

use std::time::{Duration, Instant};

use harness::lab::{BOOT_LIMIT, Drives, Stage, booted};
use harness::machine::qemu::{Clock, Vm};
use harness::{Machine, Transcript};

use crate::table::Table;

pub const COLD_ANSWER: &str = "cold boot: first guest answer";
pub const COLD_BOOTED: &str = "cold boot: booted";
pub const BOOT_ANSWER: &str = "boot from the power-on template: first guest answer";
pub const BOOT_BOOTED: &str = "boot from the power-on template: booted";
pub const LAYER: &str = "copy of the template: an empty disk layer";
pub const EMULATOR: &str = "copy of the template: QEMU's own start";
pub const STATE: &str = "copy of the template: loading the devices' state";
pub const GUEST: &str = "copy of the template: the guest's part of the first answer";
pub const COPY_ANSWER: &str = "fork: first guest answer";
pub const FORK_READY: &str = "fork: ready, with an identity of its own";
pub const FORK_OUTPUT: &str = "fork: first command's output";
pub const TEN_MINUTES: &str = "ten minutes of guest time, fork included";
pub const PACE: &str = "guest time in real time, fork included";

/// How long a copy may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The whole way: kernel, initramfs, system.
pub async fn cold_boot(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let began = Instant::now();
    let vm = stage.power_on_cold(&Transcript::default()).await?;
    boots(&vm, began, [COLD_ANSWER, COLD_BOOTED], table).await
}

/// From the machine that was frozen before it touched a disk.
pub async fn boot(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let began = Instant::now();
    let vm = stage.power_on(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
    boots(&vm, began, [BOOT_ANSWER, BOOT_BOOTED], table).await
}

async fn boots(
    vm: &Vm,
    began: Instant,
    [answer, all]: [&'static str; 2],
    table: &mut Table,
) -> anyhow::Result<()> {
    vm.answers(BOOT_LIMIT).await?;
    table.time(answer, began.elapsed());
    booted(vm).await?;
    table.time(all, began.elapsed());
    vm.kill().await;
    Ok(())
}

/// A machine up to its first answer, and the parts of that. It is not a machine of its own yet.
pub async fn copy(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let template = stage.template(Drives::Plugged).await?;
    let began = Instant::now();
    drop(template.disk().fresh_layer()?);
    table.time(LAYER, began.elapsed());

    let began = Instant::now();
    let vm = template.thaw("copy", Clock::Real, &Transcript::default()).await?;
    let thawed = Instant::now();
    vm.resume().await?;
    vm.answers(ANSWER_LIMIT).await?;
    table.time(EMULATOR, vm.startup().emulator);
    table.time(STATE, vm.startup().state);
    table.time(GUEST, thawed.elapsed());
    table.time(COPY_ANSWER, began.elapsed());
    vm.kill().await;
    Ok(())
}

/// What a check gets, and the first thing it does with it.
pub async fn fork(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let began = Instant::now();
    let vm = stage.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
    table.time(FORK_READY, began.elapsed());
    vm.succeed("echo ready").await?;
    table.time(FORK_OUTPUT, began.elapsed());
    vm.kill().await;
    Ok(())
}

/// Ten minutes on a time-lapse machine, from the template to their end.
pub async fn ten_minutes(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let ten_minutes = Duration::from_secs(600);
    let began = Instant::now();
    let vm = stage.fork(Drives::Plugged, Clock::Lapse, &Transcript::default()).await?;
    vm.lapse(ten_minutes).await?;
    table.time(TEN_MINUTES, began.elapsed());
    table.pace(PACE, ten_minutes, began.elapsed());
    vm.kill().await;
    Ok(())
}
