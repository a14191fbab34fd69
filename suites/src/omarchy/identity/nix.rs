//! Who may read Nix's configuration.

use harness::{Check, Edit, Outcome, Trial, expect};

use crate::omarchy::document;
use crate::omarchy::settings::omarchy;

pub fn nix_readable() -> Check {
    Check::must(
        "identity.nix-readable",
        document("Phase 4, 4.2"),
        "Everybody can read Nix's unit files and configuration, and only root can write them, as with mode \
         0644.",
        nix_readable_holds,
    )
    .needs([])
    .mutant("0600", [Edit::run("chmod 600 /usr/lib/systemd/system/nix-daemon.service")])
}

/// The unit files are those that systemd has read.
const FILES: &str = "$(systemctl show --property=FragmentPath --value nix-daemon.socket nix-daemon.service) \
                     /etc/nix/nix.conf";

async fn nix_readable_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let modes = machine.run(&format!("stat --dereference --format='%a %U %n' {FILES}")).await?;
    let text = modes.text();
    let open = text.lines().count() == 3 && text.lines().all(is_readable_by_all);
    let expected = "Nix's two unit files and its configuration are root's and have the mode 644, or 444 in \
                    a store";
    expect(open, expected, modes)?;

    let read = machine.run(&omarchy.as_user("nix config show extra-platforms")).await?;
    let known = read.text().split_whitespace().any(|platform| platform == "x86_64-linux");
    expect(known, "the user's Nix knows the extra platform x86_64-linux", read)
}

/// Of a line such as "644 root /etc/nix/nix.conf".
fn is_readable_by_all(line: &str) -> bool {
    ["644 root ", "444 root "].iter().any(|mode| line.starts_with(mode))
}
