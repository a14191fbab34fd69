//! Who may have the device broker's name on the system bus, and who may call it.

use harness::machine::bus::{BUS, Bus, Refusal};
use harness::machine::qemu::ROOT;
use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect};

use super::device_broker::{LIMIT, NAME};
use super::{PING, SYSTEM_BUS, peer, told};
use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::{document, within};

const POLICY: &str = "/usr/share/dbus-1/system.d/com.microsoft.identity.devicebroker1.conf";

pub fn device_broker_policy(omarchy: &Omarchy) -> Check {
    let reload = &omarchy.file.reload;
    Check::must(
        "session.device-broker-policy",
        document("Phase 5, 5.4; Blocking Dependencies"),
        "The policy lies in `/usr/share/dbus-1/system.d/`, where everybody may read and only root may write \
         it; root may own com.microsoft.identity.devicebroker1, another user may not, a user may call it.",
        device_broker_policy_holds,
    )
    // To ask for a name that somebody has changes nothing.
    .needs([Need::Sockets])
    .mutant("policy missing", [Edit::remove(POLICY), Edit::run(reload.clone())])
    .mutant(
        "allows any owner",
        [
            Edit::replace(POLICY, "<policy user=\"root\">", "<policy context=\"default\">"),
            Edit::run(reload.clone()),
        ],
    )
    .mutant("mode 0600", [Edit::run(format!("chmod 600 {POLICY}"))])
}

async fn device_broker_policy_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let mode = machine.run(&format!("stat --dereference --format=%a {POLICY}")).await?;
    let bits = u32::from_str_radix(&mode.text(), 8).unwrap_or_default();
    // Of a store it is 444.
    let fits = bits & 0o444 == 0o444 && bits & 0o022 == 0;
    expect(fits, format!("everybody may read {POLICY}, and its owner alone write it"), mode)?;

    let root = Bus::connect(&machine, SYSTEM_BUS, ROOT).await?;
    let user = Bus::connect(&machine, SYSTEM_BUS, omarchy.peer()).await?;
    // Not before the broker: who asks first has it.
    let there = root.wait_for_owner(NAME, LIMIT).await?;
    expect(there, format!("somebody owns {NAME} within {LIMIT:?}"), "nobody does")?;
    let owned = root.request_name(NAME).await?;
    expect(owned.is_ok(), format!("root may own {NAME}"), told(&owned))?;
    let owned = user.request_name(NAME).await?;
    expect(is_denied(&owned), format!("the user may not own {NAME}"), told(&owned))?;

    let called: Result<(), _> = user.call(peer(NAME), PING, &()).await?;
    expect(called.is_ok(), format!("the user may call {NAME}"), told(&called))
}

pub fn policy_reload(omarchy: &Omarchy) -> Check {
    // Step 5.4 runs it when it has installed the policy, and here it does this instead.
    let reloads_by = |command: &'static str| {
        Edit::replace(
            omarchy.file.reload.clone(),
            "exec busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig",
            command,
        )
    };
    Check::must(
        "session.policy-reload",
        document("Phase 5, 5.4"),
        "Installing the policy takes effect by reload, with the bus's connections kept.",
        policy_reload_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant("a step that restarts the bus", [reloads_by("exec systemctl restart dbus.service")])
    .mutant(
        "a step that signals a program which is not the bus",
        [reloads_by("exec pkill -HUP -x dbus-broker")],
    )
}

/// How the document's number of that step begins its name.
const STEP: &str = "5.4-";

async fn policy_reload_holds(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let bus = Bus::connect(&machine, SYSTEM_BUS, ROOT).await?;
    let before: Result<String, _> = bus.call(BUS, "GetId", &()).await?;

    // As it was before the step.
    let moved = machine.run(&format!("mv {POLICY} /run/policy.conf")).await?;
    expect(moved.success(), format!("the policy is in {POLICY}"), moved)?;
    let reloaded: Result<(), _> = bus.call(BUS, "ReloadConfig", &()).await?;
    expect(reloaded.is_ok(), "root may have the bus read its policies", told(&reloaded))?;
    let without = bus.request_name(NAME).await?;
    expect(is_denied(&without), format!("without the policy nobody may own {NAME}"), told(&without))?;

    machine.succeed(&format!("mv /run/policy.conf {POLICY}")).await?;
    let step = trial.plan()?.steps().iter().find(|step| step.id.starts_with(STEP));
    let step = step.ok_or_else(|| Stop::Broken(format!("no step is called {STEP}…")))?;
    for command in &step.apply {
        let applied = machine.run(command).await?;
        expect(
            applied.success(),
            format!("step {} has the bus read the policy: {command}", step.id),
            applied,
        )?;
    }
    let allowed =
        format!("busctl call --timeout=5 {0} /org/freedesktop/DBus {0} RequestName su {NAME} 4", BUS.name);
    let in_effect = within(&*machine, 30, &format!("{allowed} >/dev/null")).await?;
    expect(in_effect, format!("30 s after the reload root may own {NAME}"), "root may not")?;

    // Another bus, which knows nothing of this one's connections, calls itself otherwise.
    let after: Result<String, _> =
        Bus::connect(&machine, SYSTEM_BUS, ROOT).await?.call(BUS, "GetId", &()).await?;
    expect(after == before, "the bus is the one that it was", "it is another one")?;
    let kept = bus.request_name(NAME).await?;
    expect(kept.is_ok(), "a connection from before goes by the policy", told(&kept))
}

fn is_denied<T>(reply: &Result<T, Refusal>) -> bool {
    reply.as_ref().is_err_and(|refusal| refusal.name == "org.freedesktop.DBus.Error.AccessDenied")
}
