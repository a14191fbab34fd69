//! Programs that come as source, because they need what not every host has, and are built on this one.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use harness::cache::Cache;
use harness::host;
use tokio::process::Command;

/// A program that was built.
#[derive(Debug, Clone)]
pub struct Tool(PathBuf);

/// Why there is none. Whoever needs it is skipped.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ToolError {
    #[error("{program} cannot be built, because cargo cannot be run ({reason}): install Rust")]
    NoCargo { program: &'static str, reason: String },
    #[error("{program} cannot be built{}; to see more, run {command}: {last}", lacking(.lacks))]
    Failed { program: &'static str, lacks: Vec<String>, command: String, last: String },
}

fn lacking(lacks: &[String]) -> String {
    if lacks.is_empty() {
        return String::new();
    }
    format!(", and this host lacks {}", lacks.join(", "))
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
        // The last lines are told, and are to be the reason.
        cargo.env("RUST_BACKTRACE", "0");
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
        let lacks = host::lacks_for(host::SMART_CARDS).iter().map(ToString::to_string).collect();
        Err(ToolError::Failed { program, lacks, command, last })
    }

    /// Whether it was ever built. What is may still be older than its source.
    pub fn was_built(program: &str, cache: &Cache) -> bool {
        cache.root().join("built").join(program).join("release").join(program).is_file()
    }

    /// A command that runs it.
    pub fn command(&self) -> std::process::Command {
        std::process::Command::new(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn package(source: &str) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("src")).unwrap();
        fs::write(place.path().join("src/main.rs"), source).unwrap();
        let manifest = "[package]\nname = 'demo'\nversion = '0.0.0'\nedition = '2024'\n[workspace]\n";
        fs::write(place.path().join("Cargo.toml"), manifest).unwrap();
        fs::write(
            place.path().join("Cargo.lock"),
            "version = 4\n[[package]]\nname = 'demo'\nversion = '0.0.0'\n",
        )
        .unwrap();
        place
    }

    #[tokio::test]
    async fn what_is_built_runs() {
        let package = package("fn main() { print!(\"built\") }");
        let cache = Cache::at(package.path().join("cache")).unwrap();
        assert!(!Tool::was_built("demo", &cache));
        let tool = Tool::build("demo", package.path(), &cache).await.unwrap();
        assert!(Tool::was_built("demo", &cache));
        let output = tool.command().output().unwrap();
        assert_eq!(output.stdout, b"built");
    }

    #[test]
    fn what_the_host_lacks_comes_before_what_the_compiler_says() {
        let lacks = vec!["winscard.h (apt-get install libpcsclite-dev)".to_owned()];
        let (command, last) = ("cargo build".to_owned(), "not found".to_owned());
        assert_eq!(
            ToolError::Failed { program: "demo", lacks, command, last }.to_string(),
            "demo cannot be built, and this host lacks winscard.h (apt-get install libpcsclite-dev); \
             to see more, run cargo build: not found"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_built_is_told_with_what_the_compiler_says() {
        let package = package("fn main() { nothing() }");
        let cache = Cache::at(package.path().join("cache")).unwrap();
        let error = Tool::build("demo", package.path(), &cache).await.unwrap_err().to_string();
        assert!(error.contains("cannot find function `nothing`"), "{error}");
        assert!(error.contains("run cargo build --release --manifest-path"), "{error}");
    }
}
