//! Who may read Nix's configuration.

use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use crate::omarchy::{as_user, document};

pub const NIX_READABLE: Check = Check {
    invariant: Invariant {
        id: "identity.nix-readable",
        level: Level::Must,
        statement: "Nix's unit files and configuration are 0644.",
        source: document("Phase 4, 4.2"),
        variant: None,
    },
    touches: Touches::Nothing,
    run: |trial| Box::pin(nix_readable(trial)),
    mutants: &[Mutant {
        name: "0600",
        stage: None,
        boots: false,
        edits: &[Edit::Run { command: "chmod 600 /usr/lib/systemd/system/nix-daemon.service" }],
    }],
};

/// The unit files are those that systemd has read.
const FILES: &str = "$(systemctl show --property=FragmentPath --value nix-daemon.socket nix-daemon.service) /etc/nix/nix.conf";

async fn nix_readable(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let modes = machine.succeed(&format!("stat --format='%a %n' {FILES}")).await?;
    let open = modes.lines().count() == 3 && modes.lines().all(|line| line.starts_with("644 "));
    expect(open, "Nix's two unit files and its configuration have the mode 644", modes)?;

    let read = machine.run(&as_user("nix config show extra-platforms")).await?;
    let known = read.text().split_whitespace().any(|platform| platform == "x86_64-linux");
    expect(known, "the user's Nix knows the extra platform x86_64-linux", read)
}
