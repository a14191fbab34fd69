//! The vendor's broker for the machine, on the system bus.

use std::sync::Arc;
use std::time::Duration;

use harness::machine::bus::Bus;
use harness::machine::qemu::ROOT;
use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect, violated};

use super::SYSTEM_BUS;
use crate::omarchy::process::nothing_is_missing;
use crate::omarchy::running::Running;
use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::{DAEMON_RELOAD, document};

/// What it is on the bus.
pub const NAME: &str = "com.microsoft.identity.devicebroker1";

/// How long it may take to be there, in real time. A start that fails is tried again every five seconds.
pub const LIMIT: Duration = Duration::from_secs(60);

pub fn device_broker_service(omarchy: &Omarchy) -> Check {
    let (unit, file) = (&omarchy.unit.device_broker, omarchy.device_broker_override());
    // By what its unit files say now.
    let restart = Edit::run(format!("systemctl restart {unit}"));
    Check::must(
        "session.device-broker-service",
        document("Phase 6, 6.2"),
        "It runs through the wrapper override, with HOME=/root, on the system bus, after boot without help.",
        device_broker_service_holds,
    )
    .needs([Need::Sockets])
    .mutant("override missing", [Edit::remove(file.clone()), DAEMON_RELOAD, restart.clone()])
    .mutant(
        "ExecStart not cleared",
        [
            // systemd refuses to restart such a unit, and so would leave the old one running.
            Edit::run(format!("systemctl stop {unit}")),
            Edit::replace(file.clone(), "ExecStart=\n", ""),
            DAEMON_RELOAD,
            Edit::run(format!("! systemctl start {unit}")),
        ],
    )
    .mutant("HOME unset", [Edit::replace(file, "Environment=HOME=/root\n", ""), DAEMON_RELOAD, restart])
}

async fn device_broker_service_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let broker = on_its_bus(&machine, &omarchy).await?;
    broker.has_the_layer_first().await?;
    let environment = broker.environment().await?;
    let home = environment.get("HOME").map_or("not set", String::as_str);
    expect(home == "/root", "its HOME is /root", format!("it is {home}"))
}

/// The broker, which is on the system bus soon after the boot, and runs by its unit.
pub async fn on_its_bus<'m>(machine: &'m Arc<dyn Machine>, omarchy: &Omarchy) -> Result<Running<'m>, Stop> {
    let unit = &omarchy.unit.device_broker;
    nothing_is_missing(&**machine, omarchy).await?;
    let bus = Bus::connect(machine, SYSTEM_BUS, ROOT).await?;
    let there = bus.wait_for_owner(NAME, LIMIT).await?;
    expect(there, format!("{NAME} is on the system bus {LIMIT:?} after the boot"), "nobody owns it")?;
    let Some(owner) = bus.owner(NAME).await? else {
        return violated(format!("whoever owns {NAME} goes on owning it"), "nobody does");
    };
    // Not the unit's first process: a wrapper may leave the program to a child of its.
    let groups = machine.run(&format!("cat /proc/{owner}/cgroup")).await?;
    let of_the_unit = groups.text().split(['/', '\n']).any(|part| part == unit);
    expect(of_the_unit, format!("process {owner}, which owns {NAME}, is one of {unit}"), groups)?;
    Ok(Running { wrapper: omarchy.device_broker(), machine: &**machine, id: owner })
}
