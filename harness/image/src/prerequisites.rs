use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::mirror::{VARIABLE, mirror};
use super::recipe::{Architecture, Recipe};

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

/// For trees that are made on this host. With Perl alone there is no `pod2man`, and not all of its modules.
const COMPILERS: &[Tool] = &[
    Tool { name: "cc", package: "build-essential", why: "it compiles what no package has" },
    Tool { name: "make", package: "build-essential", why: "OpenSSL is built with it" },
    Tool { name: "pod2man", package: "perl", why: "OpenSSL configures itself with Perl's modules" },
];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What is missing on this host for building a recipe's image; empty when
/// nothing is.
#[must_use]
pub fn prerequisites(recipe: &Recipe) -> Vec<Prerequisite> {
    let architecture = recipe.architecture;
    let mut missing = absent(TOOLS);
    if !Path::new(KEYRING).exists() {
        let why = "packages are checked against it";
        missing.push(package(KEYRING, "debian-archive-keyring", why));
    }
    if mirror(recipe).is_none() {
        missing.push(Prerequisite {
            what: "an archive of Debian's packages".to_owned(),
            why: "an image's packages come from where this host's own do, and those are not Debian's",
            fix: format!("export {VARIABLE}=URL"),
        });
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
    if !recipe.made.is_empty() {
        missing.extend(absent(COMPILERS));
        if !installed("cargo") {
            missing.push(Prerequisite {
                what: "cargo".to_owned(),
                why: "it compiles what no package has",
                fix: "curl https://sh.rustup.rs -sSf | sh".to_owned(),
            });
        }
    }
    let mut foreign: Vec<_> = recipe.made.iter().map(|made| made.architecture).collect();
    foreign.retain(|architecture| !architecture.native());
    foreign.dedup();
    for architecture in foreign {
        let machine = architecture.machine();
        let compiler = format!("{machine}-linux-gnu-gcc");
        let target = format!("{machine}-unknown-linux-gnu");
        if !installed(&compiler) {
            let name = format!("gcc-{}-linux-gnu", machine.replace('_', "-"));
            missing.push(package(&compiler, &name, "what no package has is compiled for the guest"));
        }
        if installed("cargo") && !compiles_for(&target) {
            missing.push(Prerequisite {
                what: format!("Rust's standard library for {target}"),
                why: "what no package has is compiled for the guest",
                fix: format!("rustup target add {target}"),
            });
        }
    }
    missing
}

fn absent(tools: &[Tool]) -> Vec<Prerequisite> {
    let absent = tools.iter().filter(|tool| !installed(tool.name));
    absent.map(|tool| package(tool.name, tool.package, tool.why)).collect()
}

fn package(what: &str, package: &str, why: &'static str) -> Prerequisite {
    Prerequisite { what: what.to_owned(), why, fix: format!("apt-get install {package}") }
}

/// Rust has its own libraries for the target, where it looks for them.
fn compiles_for(target: &str) -> bool {
    let place = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .stdin(Stdio::null())
        .output();
    place.is_ok_and(|place| Path::new(String::from_utf8_lossy(&place.stdout).trim()).is_dir())
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
    // Debian keeps some where only root's PATH leads, Arch those of Perl where only a login shell's does.
    let administrators = ["/usr/sbin", "/sbin", "/usr/bin/core_perl"].map(Into::into);
    env::split_paths(&path).chain(administrators).any(|place| place.join(program).is_file())
}
