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

use harness::{Check, Edit, Settings, SettingsError, Suite};

use super::settings::Omarchy;

pub const SUITE: Suite = Suite::new("omarchy", "binfmt", checks).with_table::<Omarchy>();

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    let omarchy = settings.read::<Omarchy>()?;
    Ok(vec![
        registration::registered(&omarchy),
        matching::matches_x86_64_only(&omarchy),
        matching::flags(&omarchy),
        matching::executes(&omarchy),
        share::mount_before(&omarchy),
        share::mount_late(&omarchy),
        share::mount_never(&omarchy),
        watcher::watcher_no_loop(&omarchy),
        share::share_lost_and_back(&omarchy),
        registration::restart_idempotent(&omarchy),
        registration::survives_reboots(&omarchy),
        linker::dynamic_linker(),
        consumers::consumer_recovers(&omarchy),
        nix::nix_order(),
    ])
}

/// Has what the handler's file says now taken over without another boot.
const RESTART: &str = "systemctl restart systemd-binfmt.service";

impl Omarchy {
    /// Has another translator registered for x86_64 after the interpreter, as a container that wants images of another
    /// architecture does: the kernel asks the newest first.
    fn second_handler(&self) -> Edit {
        let x86_64 = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00";
        let mask = r"\xff\xff\xff\xff\xff\xfe\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";
        let translator = &self.program.translator;
        let entry = format!(":qemu-x86_64:M::{x86_64}:{mask}:{translator}:OCF");
        Edit::run(format!("printf %s '{entry}' >/proc/sys/fs/binfmt_misc/register"))
    }
}
