use std::env;
use std::fs;
use std::path::Path;

use super::recipe::Architecture;

/// Something that this host needs and does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prerequisite {
    pub what: String,
    pub why: &'static str,
    /// The command that mends it.
    pub fix: String,
}

struct Tool {
    name: &'static str,
    package: &'static str,
    why: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { name: "mmdebstrap", package: "mmdebstrap", why: "it fetches Debian's packages" },
    Tool { name: "dpkg", package: "dpkg", why: "it unpacks packages without emulation" },
    Tool { name: "mke2fs", package: "e2fsprogs", why: "it writes the disks" },
    Tool { name: "depmod", package: "kmod", why: "it indexes the guest's kernel modules" },
    Tool { name: "xz", package: "xz-utils", why: "the guest's kernel modules are compressed" },
    Tool { name: "unshare", package: "util-linux", why: "what a build mounts must end with it" },
    Tool { name: "setpriv", package: "util-linux", why: "a build must not outlive assay" },
];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What is missing on this host for building images of an architecture; empty
/// when nothing is.
#[must_use]
pub fn prerequisites(architecture: Architecture) -> Vec<Prerequisite> {
    let package = |what: &str, package: &str, why| Prerequisite {
        what: what.to_owned(),
        why,
        fix: format!("apt-get install {package}"),
    };
    let mut missing: Vec<_> = TOOLS
        .iter()
        .filter(|tool| !installed(tool.name))
        .map(|tool| package(tool.name, tool.package, tool.why))
        .collect();
    if !Path::new(KEYRING).exists() {
        let why = "packages are checked against it";
        missing.push(package(KEYRING, "debian-archive-keyring", why));
    }
    if !rustix::process::geteuid().is_root() && !installed("newuidmap") {
        let why = "without being root, a build needs a range of user ids";
        missing.push(package("newuidmap", "uidmap", why));
    }
    if !architecture.native() && !emulated(architecture) {
        missing.push(Prerequisite {
            what: format!("an emulator for {} programs, registered with flag F", architecture.machine()),
            why: "the guest's packages run scripts of theirs when they are installed",
            fix: "apt-get install qemu-user-static binfmt-support".to_owned(),
        });
    }
    missing
}

/// The kernel runs such programs, and with a fixed interpreter (flag F): the
/// guest's root does not have it.
fn emulated(architecture: Architecture) -> bool {
    let handler = format!("/proc/sys/fs/binfmt_misc/qemu-{}", architecture.machine());
    fs::read_to_string(handler).is_ok_and(|text| {
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default();
        text.starts_with("enabled") && flags.contains('F')
    })
}

fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/sbin", "/sbin"].map(Into::into);
    env::split_paths(&path).chain(administrators).any(|place| place.join(program).is_file())
}
