//! Programs that come as source, because they need what not every host has, and are built on this one.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::cache::Cache;

/// A program that was built.
#[derive(Debug, Clone)]
pub struct Tool(PathBuf);

/// Why there is none. Whoever needs it is skipped.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ToolError {
    #[error("{program} cannot be built, because cargo cannot be run: {reason}")]
    NoCargo { program: &'static str, reason: String },
    #[error(
        "{program} cannot be built (`assay doctor` tells what it takes; to see more, run {command}): {last}"
    )]
    Failed { program: &'static str, command: String, last: String },
}

/// How much of what a compiler says is told, in lines.
const LAST: usize = 8;

impl Tool {
    /// Builds a package with one program, or finds it built.
    pub async fn build(program: &'static str, package: &Path, cache: &Cache) -> Result<Tool, ToolError> {
        let (manifest, target) = (package.join("Cargo.toml"), cache.root().join("built").join(program));
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]).arg(&manifest);
        cargo.arg("--target-dir").arg(&target).stdin(Stdio::null()).kill_on_drop(true);
        let output = cargo.output().await;
        let output =
            output.map_err(|error: io::Error| ToolError::NoCargo { program, reason: error.to_string() })?;
        if output.status.success() {
            return Ok(Tool(target.join("release").join(program)));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LAST)..].join("\n");
        let command = format!("cargo build --release --manifest-path {}", manifest.display());
        Err(ToolError::Failed { program, command, last })
    }

    /// A command that runs it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        command.kill_on_drop(true);
        command
    }
}
