//! The vendor's broker for the machine, on the system bus.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::machine::qemu::ROOT;
use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::SYSTEM_BUS;
use crate::omarchy::process::Process;
use crate::omarchy::wrapper::{
    DEVICE_BROKER, DEVICE_BROKER_OVERRIDE as OVERRIDE, DEVICE_BROKER_UNIT as UNIT,
};
use crate::omarchy::{DAEMON_RELOAD, document};

/// What it is on the bus.
pub const NAME: &str = "com.microsoft.identity.devicebroker1";

/// How long it may take to be there, in real time. A start that fails is tried again every five seconds.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Has the broker started anew by what its unit files say now.
const RESTART: Edit = Edit::Run { command: "systemctl restart microsoft-identity-device-broker.service" };

pub const DEVICE_BROKER_SERVICE: Check = Check {
    invariant: Invariant {
        id: "session.device-broker-service",
        level: Level::Must,
        statement: "It runs through the wrapper override, with HOME=/root, on the system bus, after boot without help.",
        source: document("Phase 6, 6.2"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(device_broker_service(trial)),
    mutants: &[
        Mutant {
            name: "override missing",
            stage: None,
            boots: false,
            edits: &[Edit::Remove { path: OVERRIDE }, DAEMON_RELOAD, RESTART],
        },
        Mutant {
            name: "ExecStart not cleared",
            stage: None,
            boots: false,
            edits: &[
                // systemd refuses to restart such a unit, and so would leave the old one running.
                Edit::Run { command: "systemctl stop microsoft-identity-device-broker.service" },
                Edit::Replace { path: OVERRIDE, from: "ExecStart=\n", to: "" },
                DAEMON_RELOAD,
                Edit::Run { command: "! systemctl start microsoft-identity-device-broker.service" },
            ],
        },
        Mutant {
            name: "HOME unset",
            stage: None,
            boots: false,
            edits: &[
                Edit::Replace { path: OVERRIDE, from: "Environment=HOME=/root\n", to: "" },
                DAEMON_RELOAD,
                RESTART,
            ],
        },
    ],
};

async fn device_broker_service(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let bus = machine.bus(SYSTEM_BUS, ROOT).await?;
    let there = bus.wait_for_owner(NAME, LIMIT).await?;
    expect(there, format!("{NAME} is on the system bus {LIMIT:?} after the boot"), "nobody owns it")?;

    let owner = bus.owner(NAME).await?.unwrap_or_default();
    let process = machine.run(&format!("systemctl show -P MainPID {UNIT}")).await?;
    expect(
        process.text() == owner.to_string(),
        format!("{UNIT} runs process {owner}, which owns {NAME}"),
        process,
    )?;

    let process = Process::known(&*machine, &DEVICE_BROKER, owner).await?;
    let environment: BTreeMap<String, String> = process.ask("environment").await?;
    process.has_the_layer(&environment)?;
    let home = environment.get("HOME");
    expect(home.is_some_and(|home| home == "/root"), "its HOME is /root", format!("{home:?}"))
}
