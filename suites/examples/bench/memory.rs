//! What forks that run at the same time cost each.

use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use futures::future::try_join_all;
use harness::lab::{Drives, Stage};
use harness::machine::qemu::{Clock, Vm};
use harness::{Machine, Transcript};

use crate::table::Table;

/// How many forks run at a time.
pub const FORKS: usize = 8;

pub const READY: Moment = Moment {
    private: "each of 8 forks, ready: private memory",
    share: "each of 8 forks, ready: with its share of what is common",
    disk: "each of 8 forks, ready: its disk layer",
};
pub const AFTER_COMMAND: Moment = Moment {
    private: "each of 8 forks, after a command: private memory",
    share: "each of 8 forks, after a command: with its share of what is common",
    disk: "each of 8 forks, after a command: its disk layer",
};

/// The names of what is measured at one moment.
pub struct Moment {
    pub private: &'static str,
    share: &'static str,
    disk: &'static str,
}

/// A small program that has the guest's service manager work.
const COMMAND: &str = "systemctl list-units >/dev/null";

pub async fn forks(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let transcript = Transcript::default();
    let forks =
        try_join_all((0..FORKS).map(|_| stage.fork(Drives::Plugged, Clock::Real, &transcript))).await?;
    weigh(&forks, &READY, table).await?;
    try_join_all(forks.iter().map(|vm| vm.succeed(COMMAND))).await?;
    weigh(&forks, &AFTER_COMMAND, table).await?;
    for vm in &forks {
        vm.kill().await;
    }
    Ok(())
}

async fn weigh(forks: &[Vm], moment: &Moment, table: &mut Table) -> anyhow::Result<()> {
    for vm in forks {
        let path = format!("/proc/{}/smaps_rollup", vm.process_id().await);
        let maps = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        // Nobody else has the page, whether it was written or only read.
        table.size(moment.private, bytes(&maps, "Private_Dirty:") + bytes(&maps, "Private_Clean:"));
        table.size(moment.share, bytes(&maps, "Pss:"));
        table.size(moment.disk, vm.disk().top().metadata()?.blocks() * 512);
    }
    Ok(())
}

/// A number that the kernel gives in KiB.
fn bytes(maps: &str, key: &str) -> u64 {
    let line = maps.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}
