//! Runs the programs of others.

use std::io::{ErrorKind, Read, Seek};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

/// How long one may take, a boot included.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs it to its end, which has to be a good one. When it is not there, the error says how to install it.
pub async fn run(command: &mut Command, install: &str) -> anyhow::Result<()> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    // Into a file: what it leaves running would keep a pipe open.
    let mut said = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?).kill_on_drop(true);
    let status = match tokio::time::timeout(LIMIT, command.status()).await {
        Err(_) => bail!("{name} did not end within {} s", LIMIT.as_secs()),
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => bail!("{name} is not installed: {install}"),
        Ok(status) => status.with_context(|| format!("start {name}"))?,
    };
    if status.success() {
        return Ok(());
    }
    let mut text = Vec::new();
    said.rewind()?;
    said.take(1 << 20).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let last: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = last[last.len().saturating_sub(3)..].join("; ");
    bail!("{name} ended with {status}: {}", last.escape_debug())
}
