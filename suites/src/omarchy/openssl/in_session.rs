//! The library layer where the vendor's programs run in use: in the session of somebody who has logged in.

use harness::{Check, Edit, Need, Outcome, Stop, Trial};

use super::version::{has_one_openssl, versions_a_request};
use crate::omarchy::document;
use crate::omarchy::process::Process;
use crate::omarchy::session::{activated, device_broker, login, timer};
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn in_session(omarchy: &Omarchy) -> Check {
    let system = &omarchy.library.system;
    Check::must(
        "openssl.in-session",
        document("Intune Component Dependencies; D-Bus Activation Chain"),
        "The brokers and the agent as the buses and the timer start them, after a login, have 3.3.2 mapped, \
         nothing of another version, and `X509_REQ_set_version` with a non-zero version succeeds in them.",
        in_session_holds,
    )
    .needs([Need::Undo, Need::Sockets])
    .mutant_at_boot(
        "environment.d with LD_PRELOAD of the system's libcrypto",
        [Edit::write(WORK_AROUND, format!("LD_PRELOAD={system}/libcrypto.so.3\n"))],
    )
    .mutant_at_boot(
        "environment.d with an LD_LIBRARY_PATH that a wrapper lets come first",
        [
            Edit::write(WORK_AROUND, format!("LD_LIBRARY_PATH={system}\n")),
            omarchy.appends(&omarchy.wrapper.user_broker),
        ],
    )
    .mutant(
        "a login that gives the bus another environment",
        [Edit::write(
            "/etc/profile.d/work-around.sh",
            format!("dbus-update-activation-environment --systemd LD_PRELOAD={system}/libcrypto.so.3\n"),
        )],
    )
}

/// The user's service manager reads it when it begins.
const WORK_AROUND: &str = "/etc/environment.d/60-work-around.conf";

async fn in_session_holds(trial: &Trial) -> Outcome {
    let omarchy = omarchy(trial)?;
    let machine = login::logged_in(trial).await.map_err(Stop::undecided)?;
    timer::starts_an_agent_that_stays(&*machine, &omarchy).await?;
    let processes = [
        Process::known(activated(&machine, &omarchy).await?).await?,
        Process::known(device_broker::on_its_bus(&machine, &omarchy).await?).await?,
        Process::in_use(&*machine, &omarchy, omarchy.agent()).await?,
    ];
    for process in &processes {
        versions_a_request(process, "in the user's session").await?;
        has_one_openssl(process, "in the user's session").await?;
    }
    Ok(())
}
