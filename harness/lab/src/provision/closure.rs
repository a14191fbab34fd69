//! A closure of Nix's that this host builds, and a machine gets and activates.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use machine::qemu::ramfile;
use machine::{Machine, quoted};
use record::{MachineError, Output};
use serde::Deserialize;

use crate::build::{BuildError, build};

/// Where every path of a closure is, on the host as on the machine.
const STORE: &str = "/nix/store/";

/// Where it lies on the machine until it is registered.
const PLACE: &str = "/var/tmp/assay-closure";

/// How much of it is written at once, in bytes.
const PIECE: u64 = 4 << 20;

/// How long the machine may take to register it.
const IMPORT_LIMIT: Duration = Duration::from_secs(600);

/// What there is to build, and who activates it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// A shell command that builds it and prints its path. It runs on this host, where the steps file is.
    pub build: String,
    /// Runs `activate` of a home; without one root runs `bin/switch-to-configuration switch` of a system.
    pub user: Option<String>,
    #[serde(skip)]
    built: Option<Built>,
}

/// What was built, as Nix exports it: every path of the closure, with what it refers to.
#[derive(Clone)]
struct Built {
    path: String,
    export: Arc<File>,
    digest: blake3::Hash,
}

/// It is known by what is in it.
impl fmt::Debug for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.digest)
    }
}

/// Why there is no closure to bring.
#[derive(Debug, thiserror::Error)]
pub enum ClosureError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("`{command}` printed {}, which is no path in {STORE}", .path.display())]
    Elsewhere { command: String, path: PathBuf },
    #[error("cannot run nix-store: {0}; closures are built on a host with Nix")]
    NoNix(std::io::Error),
    #[error("`nix-store {question}` ended with {output}")]
    Store { question: &'static str, output: Output },
    #[error("cannot keep what Nix exports: {0}")]
    Io(#[from] std::io::Error),
}

impl Closure {
    /// Builds it, and takes it with all that it refers to.
    pub(super) async fn build(&mut self, directory: &Path) -> Result<(), ClosureError> {
        let path = build(&self.build, directory).await?;
        let name = path.to_str().and_then(|path| path.strip_prefix(STORE));
        let Some(name) = name.filter(|name| !name.is_empty() && !name.contains('/')) else {
            return Err(ClosureError::Elsewhere { command: self.build.clone(), path });
        };
        let path = format!("{STORE}{name}");
        let paths = store("--query", &["--requisites", &path], None).await?;
        let paths = String::from_utf8_lossy(&paths).into_owned();
        let export = ramfile::empty(0)?;
        store("--export", &paths.lines().collect::<Vec<_>>(), Some(export.try_clone()?)).await?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(ramfile::reopen(&export)?)?;
        self.built = Some(Built { path, export: Arc::new(export), digest: hasher.finalize() });
        Ok(())
    }

    /// Brings it to a machine, and has it registered there.
    pub(super) async fn bring(&self, machine: &dyn Machine) -> Result<(), MachineError> {
        self.built(machine)?.bring(machine).await
    }

    /// The shell command that activates it there.
    pub(super) fn activation(&self) -> String {
        let path = self.built.as_ref().map(|built| &*built.path).unwrap_or_default();
        match &self.user {
            None => format!("{} switch", quoted(&format!("{path}/bin/switch-to-configuration"))),
            Some(user) => {
                let activate = quoted(&format!("{path}/activate"));
                // What it starts is found over the user's own bus.
                let activate = format!("XDG_RUNTIME_DIR=/run/user/$(id -u) exec {activate}");
                format!("runuser --login {} --command {}", quoted(user), quoted(&activate))
            }
        }
    }

    fn built(&self, machine: &dyn Machine) -> Result<&Built, MachineError> {
        let missing = || MachineError::refused(machine.name(), "bring a closure", "it was not built");
        self.built.as_ref().ok_or_else(missing)
    }
}

impl Built {
    async fn bring(&self, machine: &dyn Machine) -> Result<(), MachineError> {
        let name = self.path.strip_prefix(STORE).unwrap_or(&self.path);
        let place = format!("{PLACE}/{name}");
        let mut number = 0;
        let failed = |error: std::io::Error| MachineError::refused(machine.name(), "read a closure", error);
        let mut export = ramfile::reopen(&self.export).map_err(failed)?;
        loop {
            let mut piece = Vec::new();
            (&mut export).take(PIECE).read_to_end(&mut piece).map_err(failed)?;
            if piece.is_empty() {
                break;
            }
            // In the order of their names.
            let file = PathBuf::from(format!("{place}/{number:06}"));
            machine.write(&file, &piece, 0o600).await?;
            number += 1;
        }
        let place = quoted(&place);
        let import = format!("cat {place}/* | nix-store --import; status=$?; rm -rf {place}; exit $status");
        let output = machine.run_within(&import, IMPORT_LIMIT).await?;
        if output.success() {
            return Ok(());
        }
        Err(MachineError::Failed { machine: machine.name().into(), command: import, output })
    }
}

/// Asks the store of this host, and gives the answer if that goes nowhere else.
async fn store(question: &'static str, about: &[&str], to: Option<File>) -> Result<Vec<u8>, ClosureError> {
    let mut command = tokio::process::Command::new("nix-store");
    command.arg(question).args(about).stdin(Stdio::null()).kill_on_drop(true);
    command.stderr(Stdio::piped()).stdout(to.map_or_else(Stdio::piped, Stdio::from));
    let child = command.spawn().map_err(ClosureError::NoNix)?;
    let output = Output::from(child.wait_with_output().await.map_err(ClosureError::NoNix)?);
    if output.success() { Ok(output.stdout) } else { Err(ClosureError::Store { question, output }) }
}
