//! Machines that nothing here makes: what `[machine.…]` says of them.

use std::path::{Path, PathBuf};

use machine::qemu::Firmware;
use record::Architecture;
use serde::Deserialize;

/// What there is of a target already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Existing {
    pub ssh: Option<Ssh>,
    pub image: Option<DiskImage>,
}

/// Somebody's own, and the shell commands of theirs that do to it what assay cannot. They run on this host, where the
/// target file is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// As `ssh` takes it.
    pub host: String,
    /// A file that `ssh` reads instead of the user's own, as a path from the target file's directory.
    pub config: Option<PathBuf>,
    /// Has it boot again.
    pub reboot: Option<String>,
    /// Undoes whatever was changed on it.
    pub restore: Option<String>,
}

/// A disk that boots by itself, and the machine that it is put into.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskImage {
    /// As a path from the target file's directory.
    pub file: Option<PathBuf>,
    /// A shell command instead that makes it and prints its path. It runs on this host, where the target file is.
    pub build: Option<String>,
    /// Of the processor, unless it is this host's.
    #[serde(default = "ours")]
    pub architecture: Architecture,
    #[serde(default = "uefi")]
    pub firmware: Firmware,
    /// In MiB.
    #[serde(default = "a_gigabyte")]
    pub memory: u32,
    #[serde(default = "one")]
    pub cpus: u8,
}

fn ours() -> Architecture {
    let known = [Architecture::Aarch64, Architecture::X86];
    known.into_iter().find(|known| known.name() == std::env::consts::ARCH).unwrap_or(Architecture::X86)
}

fn uefi() -> Firmware {
    Firmware::Uefi
}

fn a_gigabyte() -> u32 {
    1024
}

fn one() -> u8 {
    1
}

impl DiskImage {
    /// This file, in the machine that one without a table is put into.
    pub fn of(file: PathBuf) -> DiskImage {
        DiskImage {
            file: Some(file),
            build: None,
            architecture: ours(),
            firmware: uefi(),
            memory: a_gigabyte(),
            cpus: one(),
        }
    }
}

impl Existing {
    /// With all paths from this directory.
    pub(super) fn beside(&mut self, directory: &Path) {
        let config = self.ssh.iter_mut().filter_map(|ssh| ssh.config.as_mut());
        let file = self.image.iter_mut().filter_map(|image| image.file.as_mut());
        config.chain(file).for_each(|path| *path = directory.join(&path));
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        if let Some(ssh) = self.ssh.as_ref().filter(|ssh| ssh.host.is_empty() || ssh.host.starts_with('-')) {
            return Err(format!("machine.ssh.host = {:?}: name a host as ssh takes it", ssh.host));
        }
        let Some(image) = &self.image else { return Ok(()) };
        if self.ssh.is_some() {
            return Err("machine.ssh and machine.image: a target has one machine of somebody's own".into());
        }
        if image.file.is_some() == image.build.is_some() {
            return Err("machine.image: name either a `file` or a command that makes one, `build`".into());
        }
        super::plausible(image.memory, image.cpus).map_err(|reason| format!("machine.image: {reason}"))
    }
}
