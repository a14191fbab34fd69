//! A person who logs in with a password.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness::machine::{COMMAND_LIMIT, quoted};
use harness::{Machine, Outcome, Prepared, Stop, Trial, violated};

use crate::omarchy::COMPLIANT as PASSWORD;
use crate::omarchy::settings::{Omarchy, omarchy};

/// Types what a person types, and where it lies in the guest.
const LOG_IN: &str = include_str!("log-in.pl");
const LOG_IN_FILE: &str = "/run/assay-log-in.pl";

/// In seconds of the guest: a login, emulated, takes two or three.
const LIMIT: u32 = 60;

/// The status that says that it was the machine that would not have the user.
const REFUSED: &str = "9";

#[derive(PartialEq, Eq, Hash)]
struct FirstLogin;

/// Machines on which the user has a keyring, and is logged out.
async fn keyring(trial: &Trial) -> Result<Prepared<'_>, Stop> {
    let omarchy = omarchy(trial)?;
    trial.after(FirstLogin, |machine| Box::pin(first_log_in(machine, omarchy))).await
}

pub async fn with_keyring(trial: &Trial) -> Result<Arc<dyn Machine>, Stop> {
    Ok(keyring(trial).await?.machine().await?)
}

#[derive(PartialEq, Eq, Hash)]
struct SecondLogin;

/// A machine on which the user has logged in again, to their keyring.
pub async fn logged_in(trial: &Trial) -> Result<Arc<dyn Machine>, Stop> {
    let omarchy = omarchy(trial)?;
    let prepared = keyring(trial).await?;
    let prepared = prepared.after(SecondLogin, |machine| Box::pin(log_in_again(machine, omarchy))).await?;
    Ok(prepared.machine().await?)
}

/// Logs the user in for the first time, which makes their keyring, and out again. The daemon that makes it does not
/// show it on the bus; one that starts later does.
async fn first_log_in(machine: &dyn Machine, omarchy: Arc<Omarchy>) -> Outcome {
    log_in(machine, &omarchy).await?;
    machine.succeed("systemctl stop assay-login.service").await?;
    // A unit that is not there is for those to miss whose it is.
    for unit in [&omarchy.unit.agent, &omarchy.unit.keyring] {
        machine.run(&omarchy.in_session(&format!("systemctl --user stop {unit}"))).await?;
    }
    Ok(())
}

async fn log_in_again(machine: &dyn Machine, omarchy: Arc<Omarchy>) -> Outcome {
    log_in(machine, &omarchy).await
}

/// Logs the user in at a terminal. They stay logged in until the machine goes down.
pub async fn log_in(machine: &dyn Machine, omarchy: &Omarchy) -> Outcome {
    let (user, password) = (&omarchy.user, quoted(PASSWORD));
    machine.write(Path::new(LOG_IN_FILE), LOG_IN.as_bytes(), 0o644).await?;
    let command = format!(
        "echo {user}:{password} | chpasswd --crypt-method SHA256 && systemd-run --quiet --unit=assay-login \
         --service-type=notify --property=NotifyAccess=all --property=TimeoutStartSec={LIMIT} \
         perl {LOG_IN_FILE} {user} {password}"
    );
    // A busy guest's seconds are long ones.
    let limit = Duration::from_secs(u64::from(LIMIT)) * 10 + COMMAND_LIMIT;
    let logged_in = machine.run_within(&command, limit).await?;
    if logged_in.success() {
        return Ok(());
    }
    let status = machine.succeed("systemctl show -P ExecMainStatus assay-login.service").await?;
    match &*status {
        REFUSED => violated("the user logs in with their password", logged_in),
        _ => Err(Stop::Broken(format!("nobody could type the user's login: {logged_in}"))),
    }
}
