//! The share that holds the interpreter: there at boot, late, never, lost and back.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::lab::Drives;
use harness::{Check, Edit, Machine, MachineError, Need, Outcome, Status, Stop, Trial, expect, violated};

use super::handler::{described, handlers};
use super::interpreted::{bring, is_interpreted};
use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::{DAEMON_RELOAD, document, unit, within};

/// How long after the mount x86_64 programs must run, in seconds.
pub const REGISTRATION_LIMIT: u32 = 5;

/// How long the stand-in for Parallels' daemon may take to mount a drive that was plugged in, maybe into a
/// machine that is still booting, emulated on a busy host.
const MOUNT_LIMIT: Duration = Duration::from_secs(180);

pub fn mount_before(omarchy: &Omarchy) -> Check {
    Check::must(
        "binfmt.mount-before",
        document("Boot-Time Dependencies, 3"),
        "Share mounted before systemd-binfmt runs: registered when boot finishes.",
        mount_before_holds,
    )
    .needs([])
    .mutant_at_boot(
        "path watcher disabled and systemd-binfmt masked",
        [
            Edit::run(format!("systemctl disable {}", omarchy.unit.watcher)),
            Edit::run("systemctl mask systemd-binfmt.service"),
        ],
    )
}

async fn mount_before_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    is_mounted_first(&*machine, &omarchy).await?;
    let handlers = handlers(&*machine).await?;
    let function = bring(&*machine).await?;
    let ran = machine.run(&omarchy.interpreted(&function, "exit 0", &omarchy.static_shell())).await?;
    expect(
        ran.success(),
        format!("{} executes an x86_64 program when boot finishes", omarchy.interpreter()),
        format!("{ran}; {}", described(&handlers)),
    )
}

/// That the stand-in for Parallels' daemon had the share mounted before systemd-binfmt ran. When systemd noticed the
/// mount is no measure of that: it may have noticed it later than the daemon was ready, for which systemd-binfmt waits.
async fn is_mounted_first(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    let (share, unit) = (&omarchy.share, &omarchy.unit.share);
    let times = machine
        .succeed(&format!(
            "findmnt --noheadings --output=TARGET {share} && \
             systemctl show -P ActiveEnterTimestampMonotonic {unit} && \
             systemctl show -P InactiveExitTimestampMonotonic systemd-binfmt.service"
        ))
        .await?;
    let times: Vec<u64> = times.lines().filter_map(|time| time.trim().parse().ok()).collect();
    match times[..] {
        // systemd says 0 for what never happened.
        [ready, ran] if ready != 0 && (ran == 0 || ready <= ran) => Ok(()),
        _ => Err(Stop::Broken(format!(
            "the share was not mounted first: {} and systemd-binfmt came at {times:?} µs",
            unit.trim_end_matches(".service")
        ))),
    }
}

pub fn mount_late(omarchy: &Omarchy) -> Check {
    let (watcher, registrar) = (&omarchy.unit.watcher, &omarchy.unit.registrar);
    Check::must(
        "binfmt.mount-late",
        document("Race Conditions and Mitigations, 1"),
        "Share mounted after systemd-binfmt ran, at any delay: registered and executing within 5 s of the \
         mount (property over delays).",
        late_and_late_again,
    )
    .needs([Need::Undo, Need::Boot, Need::Drives, Need::Sockets])
    .mutant(
        "no path unit",
        [Edit::run(format!("systemctl stop {watcher}")), Edit::remove(unit::file(watcher)), DAEMON_RELOAD],
    )
    .mutant("path unit not enabled", [Edit::run(format!("systemctl disable --now {watcher}"))])
    .mutant(
        "watches a wrong path",
        [
            Edit::replace(
                unit::file(watcher),
                format!("PathExists={}", omarchy.interpreter()),
                "PathExists=/media/psf/RosettaLinux/rosetta",
            ),
            DAEMON_RELOAD,
            Edit::run(format!("systemctl restart {watcher}")),
        ],
    )
    .mutant(
        "service restarts the wrong unit",
        [
            Edit::replace(
                unit::file(registrar),
                "restart systemd-binfmt.service",
                "restart systemd-modules-load.service",
            ),
            DAEMON_RELOAD,
        ],
    )
}

/// The longest that the share is late in a boot, in milliseconds: systemd-binfmt runs in this time.
const LATEST_IN_BOOT: u64 = 15_000;

/// The longest that it is late after one, in milliseconds.
const LATEST_AFTER_BOOT: u64 = 30_000;

/// How late the share is, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Lateness {
    after_boot: u64,
    /// Of the boot that follows.
    in_boot: u64,
}

/// Has the share come late, reboots, and has it come late again. Two invariants promise that x86_64 programs run
/// each time: it is tried once for both.
pub async fn late_and_late_again(trial: &Trial) -> Outcome {
    let delays = (0..=LATEST_AFTER_BOOT, 0..=LATEST_IN_BOOT);
    let property = |(after_boot, in_boot)| registered_however_late(trial, Lateness { after_boot, in_boot });
    trial.for_all(1, delays, property).await
}

async fn registered_however_late(trial: &Trial, lateness: Lateness) -> Outcome {
    trial.shared(None, lateness, |trial| Box::pin(registers(trial, lateness))).await
}

async fn registers(trial: &Trial, Lateness { after_boot, in_boot }: Lateness) -> Outcome {
    // What it is a fork of was rebooted after the provisioning: this is the first of the reboots.
    let (omarchy, machine) = (omarchy(trial)?, trial.machine_without_drives().await?);
    plug_late(&*machine, &omarchy, after_boot).await?;

    let machine = trial.reboot(&*machine, Drives::Absent).await?;
    plug_late(&*machine, &omarchy, in_boot).await
}

pub fn mount_never(omarchy: &Omarchy) -> Check {
    Check::must(
        "binfmt.mount-never",
        document("Boot-Time Dependencies, 3"),
        "Share never mounted: boot reaches its default target, not degraded by this, and an x86_64 program \
         fails with ENOEXEC, not a hang.",
        mount_never_holds,
    )
    .needs([Need::Drives])
    .mutant_at_boot(
        "a service that waits forever and is required by multi-user.target",
        [
            Edit::write(
                "/etc/systemd/system/wait-for-share.service",
                format!(
                    "[Unit]\nBefore=multi-user.target\n[Service]\nType=oneshot\nTimeoutStartSec=infinity\n\
                     ExecStart=/bin/sh -c 'until test -e {}; do sleep 1; done'\n\
                     [Install]\nRequiredBy=multi-user.target\n",
                    omarchy.interpreter()
                ),
            ),
            Edit::run("systemctl enable wait-for-share.service"),
        ],
    )
}

async fn mount_never_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine_without_drives().await?);
    let reached = machine.run("systemctl is-active default.target").await?;
    expect(reached.text() == "active", "the boot reaches its default target", reached)?;
    let without = failed_units(&*machine).await?;
    let expected = "no unit fails for want of the share";
    // What registers the interpreter: only for want of it they fail.
    let registering = ["systemd-binfmt.service", &omarchy.unit.registrar, &omarchy.unit.watcher];
    if without.iter().any(|unit| registering.contains(&unit.as_str())) {
        return violated(expected, format!("{without:?} failed"));
    }
    if !without.is_empty() {
        // What else fails with the share too is nothing that its absence does.
        let with = failed_units(&*trial.machine().await?).await?;
        let degraded: BTreeSet<_> = without.difference(&with).collect();
        expect(degraded.is_empty(), expected, format!("{degraded:?} failed"))?;
    }

    // Unlike most programs, bash does not answer ENOEXEC by trying the file as a shell script.
    let ran = machine.run(&format!("timeout 10 bash -c '{} -c true'", omarchy.static_shell())).await?;
    let refused =
        ran.status == Status::Exit(126) && String::from_utf8_lossy(&ran.stderr).contains("Exec format error");
    expect(refused, "an x86_64 program fails with ENOEXEC (exit status 126, \"Exec format error\")", ran)
}

async fn failed_units(machine: &dyn Machine) -> Result<BTreeSet<String>, MachineError> {
    let failed = machine.succeed("systemctl --failed --plain --no-legend").await?;
    Ok(failed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

pub fn share_lost_and_back(omarchy: &Omarchy) -> Check {
    Check::hazard(
        "binfmt.share-lost-and-back",
        document("Race Conditions and Mitigations, 1"),
        "Share unmounted and mounted again: x86_64 programs run again within 5 s, without a reboot.",
        share_lost_and_back_holds,
    )
    .needs([Need::Undo, Need::Drives, Need::Sockets])
    .mutant(
        "RemainAfterExit without any re-trigger",
        [
            Edit::replace(unit::file(&omarchy.mount()), "PropagatesStopTo=", "# PropagatesStopTo="),
            DAEMON_RELOAD,
        ],
    )
}

async fn share_lost_and_back_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let (what, shell) = ("an x86_64 program, before the share is lost,", omarchy.static_shell());
    is_interpreted(&*machine, &omarchy, what, "exit 0", &shell, 0).await?;

    machine.unplug(&omarchy.drive).await?;
    machine.systemd().await?.wait_until(&omarchy.mount(), "inactive", MOUNT_LIMIT).await?;
    // What the kernel still remembers of the lost drive would run programs until the memory is needed.
    machine.succeed("echo 3 >/proc/sys/vm/drop_caches").await?;

    plug_and_register(&*machine, &omarchy).await
}

/// Plugs the share in this many milliseconds from now, after which x86_64 programs must run in time.
async fn plug_late(machine: &dyn Machine, omarchy: &Omarchy, delay: u64) -> Outcome {
    // Nothing is waited for here: the delay is what is tested.
    tokio::time::sleep(Duration::from_millis(delay)).await;
    plug_and_register(machine, omarchy).await
}

/// Plugs the share in, after which x86_64 programs must run in time.
pub async fn plug_and_register(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    machine.plug(&omarchy.drive).await?;
    registered_after_mount(machine, omarchy).await
}

/// Waits for the mount; then the interpreter must execute x86_64 programs in time. A machine that is still booting is
/// given the time from when it first answers.
async fn registered_after_mount(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    machine.answers(harness::lab::BOOT_LIMIT).await?;
    let function = bring(machine).await?;
    is_mounted(machine, omarchy).await?;
    let runs = omarchy.interpreted(&function, "exit 0", &omarchy.static_shell());
    if within(machine, REGISTRATION_LIMIT, &runs).await? {
        return Ok(());
    }
    let handlers = handlers(machine).await?;
    let ran = machine.run(&runs).await?;
    let interpreter = omarchy.interpreter();
    violated(
        format!("{interpreter} executes an x86_64 program within {REGISTRATION_LIMIT} s of the mount"),
        format!("none did, and after that: {ran}; {}", described(&handlers)),
    )
}

/// Waits for the mount.
pub async fn is_mounted(machine: &dyn Machine, omarchy: &Omarchy) -> Result<(), MachineError> {
    machine.systemd().await?.wait_until(&omarchy.mount(), "active", MOUNT_LIMIT).await
}
