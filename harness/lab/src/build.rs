//! A shell command of the user's that builds something on this host and prints where it is.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use record::Output;

/// Why there is nothing to use.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("`{command}` could not be started: {source}")]
    NotStarted { command: String, source: std::io::Error },
    #[error("`{command}` ended with {output}")]
    Failed { command: String, output: Output },
    #[error("`{command}` is to print one path, and it printed {printed}")]
    NoPath { command: String, printed: String },
}

/// Runs it in that directory, for as long as it takes; it ends with assay. What it prints is taken from there.
pub async fn build(command: &str, directory: &Path) -> Result<PathBuf, BuildError> {
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", command]).current_dir(directory).stdin(Stdio::null()).kill_on_drop(true);
    let command = command.to_owned();
    let ran = match shell.output().await {
        Ok(ran) => Output::from(ran),
        Err(source) => return Err(BuildError::NotStarted { command, source }),
    };
    if !ran.success() {
        return Err(BuildError::Failed { command, output: ran });
    }
    let text = ran.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    match lines[..] {
        [path] => Ok(directory.join(path)),
        [] => Err(BuildError::NoPath { command, printed: "nothing".into() }),
        [first, second, ..] => {
            let printed = format!("{} lines, {first:?} and {second:?} first", lines.len());
            Err(BuildError::NoPath { command, printed })
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[tokio::test]
    async fn the_path_is_taken_from_the_directory_where_the_command_runs() {
        let place = tempfile::tempdir().unwrap();
        let path = build("echo result", place.path()).await.unwrap();
        assert_eq!(path, place.path().join("result"));
        assert_eq!(build("echo /elsewhere", place.path()).await.unwrap(), Path::new("/elsewhere"));
    }

    #[rstest]
    #[case("echo no such flake >&2; exit 3", "`echo no such flake >&2; exit 3` ended with exit status 3")]
    #[case("true", "`true` is to print one path, and it printed nothing")]
    #[case(
        "echo a; echo b",
        "`echo a; echo b` is to print one path, and it printed 2 lines, \"a\" and \"b\" first"
    )]
    #[tokio::test]
    async fn what_makes_no_path_is_told(#[case] command: &str, #[case] told: &str) {
        let error = build(command, Path::new(".")).await.unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
}
