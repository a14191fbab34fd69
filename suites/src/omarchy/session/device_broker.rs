//! The vendor's broker for the machine, on the system bus.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use harness::machine::bus::Bus;
use harness::machine::qemu::ROOT;
use harness::{Check, Edit, Machine, Need, Outcome, Stop, Text, Trial, expect, violated};

use super::SYSTEM_BUS;
use crate::omarchy::process::{Process, nothing_is_missing};
use crate::omarchy::wrapper::{
    DEVICE_BROKER, DEVICE_BROKER_OVERRIDE as OVERRIDE, DEVICE_BROKER_UNIT as UNIT,
};
use crate::omarchy::{DAEMON_RELOAD, document};

/// What it is on the bus.
pub const NAME: &str = "com.microsoft.identity.devicebroker1";

/// How long it may take to be there, in real time. A start that fails is tried again every five seconds.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Has the broker started anew by what its unit files say now.
const RESTART: Edit =
    Edit::Run { command: Text::Borrowed("systemctl restart microsoft-identity-device-broker.service") };

pub fn device_broker_service() -> Check {
    Check::must(
        "session.device-broker-service",
        document("Phase 6, 6.2"),
        "It runs through the wrapper override, with HOME=/root, on the system bus, after boot without help.",
        device_broker_service_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant("override missing", [Edit::remove(OVERRIDE), DAEMON_RELOAD, RESTART])
    .mutant(
        "ExecStart not cleared",
        [
            // systemd refuses to restart such a unit, and so would leave the old one running.
            Edit::run("systemctl stop microsoft-identity-device-broker.service"),
            Edit::replace(OVERRIDE, "ExecStart=\n", ""),
            DAEMON_RELOAD,
            Edit::run("! systemctl start microsoft-identity-device-broker.service"),
        ],
    )
    .mutant("HOME unset", [Edit::replace(OVERRIDE, "Environment=HOME=/root\n", ""), DAEMON_RELOAD, RESTART])
}

async fn device_broker_service_holds(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let process = on_its_bus(&machine).await?;
    process.has_the_layer_first().await?;
    let environment: BTreeMap<String, String> = process.ask("environment").await?;
    let home = environment.get("HOME").map_or("not set", String::as_str);
    expect(home == "/root", "its HOME is /root", format!("it is {home}"))
}

/// The broker, which is on the system bus soon after the boot, and runs by its unit.
pub async fn on_its_bus(machine: &Arc<dyn Machine>) -> Result<Process<'_>, Stop> {
    nothing_is_missing(&**machine).await?;
    let bus = Bus::connect(machine, SYSTEM_BUS, ROOT).await?;
    let there = bus.wait_for_owner(NAME, LIMIT).await?;
    expect(there, format!("{NAME} is on the system bus {LIMIT:?} after the boot"), "nobody owns it")?;
    let Some(owner) = bus.owner(NAME).await? else {
        return violated(format!("whoever owns {NAME} goes on owning it"), "nobody does");
    };
    // Not the unit's first process: a wrapper may leave the program to a child of its.
    let groups = machine.run(&format!("cat /proc/{owner}/cgroup")).await?;
    let of_the_unit = groups.text().split(['/', '\n']).any(|part| part == UNIT);
    expect(of_the_unit, format!("process {owner}, which owns {NAME}, is one of {UNIT}"), groups)?;
    Ok(Process::known(&**machine, &DEVICE_BROKER, owner).await?)
}
