//! Looks at this host. What that means is judged elsewhere.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::need::{BINFMT, Need};

/// Something that was found.
#[derive(Debug)]
pub struct Located {
    pub place: PathBuf,
    /// The first line that it answers to `--version`, of an emulator.
    pub version: Option<String>,
}

/// The first thing that meets a need.
pub fn locate(need: &Need) -> Option<Located> {
    need.things.iter().find_map(|thing| match *thing {
        BINFMT => runs_foreign(foreign()).then(|| Located { place: BINFMT_DIRECTORY.into(), version: None }),
        file if file.starts_with('/') => {
            Path::new(file).exists().then(|| Located { place: file.into(), version: None })
        }
        program => find(program).map(|place| {
            let version = program.starts_with("qemu-system-").then(|| version(&place)).flatten();
            Located { place, version }
        }),
    })
}

/// Where a program is. Debian keeps some where only root's PATH leads.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut places = env::split_paths(&path).chain(administrators).map(|place| place.join(program));
    places.find(|place| {
        fs::metadata(place).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}

/// The other one of the two architectures.
pub fn foreign() -> &'static str {
    if env::consts::ARCH == "aarch64" { "x86_64" } else { "aarch64" }
}

const BINFMT_DIRECTORY: &str = "/proc/sys/fs/binfmt_misc";

/// Whether the kernel runs programs of this architecture in any root.
pub fn runs_foreign(architecture: &str) -> bool {
    let Ok(handlers) = fs::read_dir(BINFMT_DIRECTORY) else { return false };
    handlers
        .flatten()
        .any(|handler| fs::read_to_string(handler.path()).is_ok_and(|text| serves(&text, architecture)))
}

/// Whether a handler takes ELF programs of the architecture with an interpreter that the kernel holds open:
/// a guest's root does not contain it.
fn serves(handler: &str, architecture: &str) -> bool {
    let machine = if architecture == "aarch64" { "b7" } else { "3e" };
    let value = |key| handler.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    handler.lines().next() == Some("enabled")
        && value("flags: ").contains('F')
        && value("magic ").starts_with("7f454c460201")
        && value("magic ").get(32..).is_some_and(|rest| rest.get(4..6) == Some(machine))
}

/// In bytes, as far as the kernel tells.
pub fn available_memory() -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// In bytes, on the file system that a directory is on or will be on.
pub fn available_space(directory: &Path) -> Option<u64> {
    let there = directory.ancestors().find(|ancestor| ancestor.exists())?;
    let space = rustix::fs::statvfs(there).ok()?;
    Some(space.f_bavail * space.f_frsize)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::serves;

    const DEBIAN: &str = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POF\noffset 0\n\
        magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

    #[rstest]
    #[case::debian(DEBIAN.into(), true)]
    #[case::without_the_last_byte(DEBIAN.replace("b700", "b7"), true)]
    #[case::disabled(DEBIAN.replace("enabled", "disabled"), false)]
    #[case::interpreter_not_held_open(DEBIAN.replace("POF", "PO"), false)]
    #[case::another_architecture(DEBIAN.replace("b700", "f300"), false)]
    #[case::another_format("enabled\ninterpreter /usr/bin/jexec\nflags: F\noffset 0\nmagic 504b0304\n".into(), false)]
    #[case::not_a_handler("enabled\n".into(), false)]
    fn a_handler_serves(#[case] handler: String, #[case] expected: bool) {
        assert_eq!(serves(&handler, "aarch64"), expected);
        assert!(!serves(&handler, "x86_64"));
    }
}
