//! What forking saves against booting, measured side by side in one run. Nothing here fails for being slow.

mod aim;
mod compare;
mod host;
mod memory;
mod row;
mod table;
mod time;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::lab::{Drives, Kind, Lab, prepare};
use harness::report::{Purpose, Terminal, write_atomically};
use harness::{Home, Target};
use serde::Serialize;

use aim::Aim;
use compare::Skipped;
use host::{Host, Load};
use row::Row;
use table::Table;

/// How often machines are booted, and forked, in turns: what else the host does then hits all alike.
const ROUNDS: usize = 3;
const FORKS_PER_ROUND: usize = 8;

#[derive(Parser)]
struct Arguments {
    /// The name of a target, or the path of a target file
    #[arg(default_value = "omarchy")]
    target: String,
    /// Write every measurement
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only compare with other programs
    #[arg(long)]
    comparison: bool,
}

#[derive(Serialize)]
struct Bench {
    host: Host,
    load_before: Load,
    load_after: Load,
    rows: Vec<Row>,
    aims: Vec<Aim>,
    skipped: Vec<Skipped>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let load_before = Load::now()?;
    let target = if arguments.comparison { compare::TARGET } else { &arguments.target };
    let target = Target::find(target, &Home::find()?)?;
    let listener: Arc<dyn Listener> = Arc::new(Terminal::stderr(Purpose::Run, false));
    let lab = Arc::new(prepare(&target, &Cache::open()?, Kind::Virtual(None), &listener).await?);
    let host = Host::of(&target, lab.stage(None)?.template(Drives::Plugged).await?)?;

    let mut table = Table::default();
    if !arguments.comparison {
        forking(&lab, &listener, &mut table).await?;
    }
    let skipped = compare::all(&listener, &mut table).await?;

    let aims = aim::all(&table);
    let bench = Bench { host, load_before, load_after: Load::now()?, rows: table.0, aims, skipped };
    print!("{}", markdown(&bench));
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&bench)? + "\n";
        write_atomically(file, |out| out.write_all(text.as_bytes())).context("write the measurements")?;
    }
    Ok(())
}

async fn forking(lab: &Arc<Lab>, listener: &Arc<dyn Listener>, table: &mut Table) -> anyhow::Result<()> {
    let stage = lab.stage(None)?;
    // What the first fork reads from the disk, all later ones find in memory.
    time::fork(stage, &mut Table::default()).await?;
    for round in 1..=ROUNDS {
        listener.hear(&Event::Noted { text: format!("round {round} of {ROUNDS}") });
        time::cold_boot(stage, table).await?;
        time::boot(stage, table).await?;
        match stage.has_time_lapse() {
            Ok(()) => time::ten_minutes(stage, table).await?,
            Err(error) => listener.hear(&Event::Noted { text: error.to_string() }),
        }
        for _ in 0..FORKS_PER_ROUND {
            time::copy(stage, table).await?;
            time::fork(stage, table).await?;
        }
    }
    listener.hear(&Event::Noted { text: format!("{} forks at a time", memory::FORKS) });
    memory::forks(stage, table).await
}

fn markdown(bench: &Bench) -> String {
    let mut out = format!("{}\n\n", bench.host);
    out += &format!("Load average {} before and {} after.\n\n", bench.load_before, bench.load_after);
    out += "| Measured | Median | Least | Most | Times |\n|---|--:|--:|--:|--:|\n";
    for row in &bench.rows {
        out += &format!("{row}\n");
    }
    for Skipped { what, why } in &bench.skipped {
        out += &format!("\nSkipped: {what}: {why}\n");
    }
    out += "\n| Aim | Wanted | Measured | |\n|---|--:|--:|---|\n";
    for aim in &bench.aims {
        out += &format!("{aim}\n");
    }
    out
}
