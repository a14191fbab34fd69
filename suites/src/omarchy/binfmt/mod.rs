//! The x86_64 interpreter and its races.

mod consumers;
mod handler;
mod interpreted;
mod linker;
mod matching;
mod nix;
mod program;
mod registration;
mod share;
mod watcher;

use harness::{Check, Edit, Suite, Text};

pub const SUITE: Suite = Suite::new("omarchy", "binfmt", |_| Ok(checks()));

fn checks() -> Vec<Check> {
    vec![
        registration::registered(),
        matching::matches_x86_64_only(),
        matching::flags(),
        matching::executes(),
        share::mount_before(),
        share::mount_late(),
        share::mount_never(),
        watcher::watcher_no_loop(),
        share::share_lost_and_back(),
        registration::restart_idempotent(),
        registration::survives_reboots(),
        linker::dynamic_linker(),
        consumers::consumer_recovers(),
        nix::nix_order(),
    ]
}

/// The handler's configuration file (step 3.1).
const CONF: &str = "/etc/binfmt.d/rosetta.conf";

/// Has what that file says now taken over without another boot.
const RESTART: &str = "systemctl restart systemd-binfmt.service";

/// The units that wait for the interpreter (step 3.2).
const WATCHER: &str = "/etc/systemd/system/rosetta-binfmt.path";
const WATCHER_SERVICE: &str = "/etc/systemd/system/rosetta-binfmt.service";

/// Has another translator registered for x86_64 after the interpreter, as a container that wants images of another
/// architecture does: the kernel asks the newest first.
const SECOND_HANDLER: Edit = Edit::Run {
    command: Text::Borrowed(
        r"printf %s ':qemu-x86_64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00:\xff\xff\xff\xff\xff\xfe\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/opt/interpreter/usr/bin/qemu-x86_64-static:OCF' >/proc/sys/fs/binfmt_misc/register",
    ),
};

/// The drive that stands for the share.
const SHARE: &str = "psf";
