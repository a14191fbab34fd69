//! Nix builds for x86_64.

use std::time::Duration;

use harness::{Check, Edit, Machine, MachineError, Need, Outcome, Output, Trial, expect};

use super::share::plug_and_register;
use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn nix_order() -> Check {
    Check::must(
        "binfmt.nix-order",
        document("Phase 4, 4.1; Blocking Dependencies"),
        "With `extra-platforms = x86_64-linux`, Nix builds an x86_64 derivation once registered, and \
         refuses it clearly before (O: 4.1, blocking dependencies).",
        nix_order_holds,
    )
    .needs([Need::Undo, Need::Drives, Need::Sockets])
    .mutant(
        "no extra-platforms",
        [Edit::replace("/etc/nix/nix.conf", "extra-platforms = x86_64-linux\n", "")],
    )
}

/// How long an emulated build in an emulated machine may take.
const BUILD_LIMIT: Duration = Duration::from_secs(180);

async fn nix_order_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine_without_drives().await?);
    let refused = build(&*machine, &omarchy).await?;
    let reason = String::from_utf8_lossy(&refused.stderr);
    // Either the kernel refuses the builder, or Nix the platform.
    let clearly = ["Exec format error", "x86_64-linux"].iter().any(|word| reason.contains(word));
    let expected = "before registration the build is refused with \"Exec format error\", or for want of \
                    x86_64-linux";
    expect(!refused.success() && clearly, expected, &refused)?;

    plug_and_register(&*machine, &omarchy).await?;
    let built = build(&*machine, &omarchy).await?;
    expect(built.success() && built.text() == "built", "after registration the derivation is built", built)
}

/// Builds a derivation whose builder is an x86_64 program. BusyBox finds out from its file name what to be,
/// so it goes into the store in a directory of its own.
async fn build(machine: &dyn Machine, omarchy: &Omarchy) -> Result<Output, MachineError> {
    let expression = expression(&omarchy.program.busybox);
    let command = format!("cat \"$(nix-build --no-out-link -E '{expression}')\"");
    machine.run_within(&command, BUILD_LIMIT).await
}

fn expression(busybox: &str) -> String {
    let (directory, file) = busybox.rsplit_once('/').unwrap_or_default();
    format!(
        r#"
        let tools = builtins.path {{
              name = "tools";
              path = {directory};
              filter = file: _: baseNameOf file == "{file}";
            }};
        in derivation {{
          name = "probe";
          system = "x86_64-linux";
          builder = "${{tools}}/{file}";
          args = [ "sh" "-c" "echo built >$out" ];
        }}"#
    )
}
