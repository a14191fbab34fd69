//! A token for the guest's reader, a client for its daemon, and what it takes to have them on this host.

use std::path::Path;
use std::sync::Arc;

use harness::machine::qemu::ROOT;
use harness::{Furniture, Machine, Need, Stop, Trial};
use tokio::sync::OnceCell;

use super::host_client::{Answer, Client};
use super::settings::SmartCard;
use super::token::{Card, PIN, Token};
use super::tool::{Tool, ToolError};

/// The reader of one target, and the programs of this host that have to do with it.
pub struct Reader {
    settings: SmartCard,
    token: OnceCell<Result<Tool, ToolError>>,
    client: OnceCell<Result<Tool, ToolError>>,
}

/// The reader of the target.
fn reader(trial: &Trial) -> Result<Arc<Reader>, Stop> {
    trial.kept(|settings| {
        let settings = settings.read::<SmartCard>()?;
        Ok::<_, Stop>(Reader { settings, token: OnceCell::new(), client: OnceCell::new() })
    })
}

/// A token for the target's reader, with keys of its own. A host that cannot have one skips the check.
pub async fn token(trial: &Trial) -> Result<Token, Stop> {
    trial.may(Need::Token)?;
    let reader = reader(trial)?;
    let tool = tool(trial, &reader.token, "token", &reader.settings.token).await.map_err(skipped)?;
    Ok(Token::make(tool, trial.cache().scratch()?, reader.settings.flaw).await?)
}

/// Puts a token into the target's reader, and waits until the daemon sees it. A daemon that does not is no
/// verdict: on a busy host the token may have come late.
pub async fn insert(trial: &Trial, token: &Token, machine: &dyn Machine) -> Result<Card, Stop> {
    let SmartCard { reader, daemon, seen, .. } = &reader(trial)?.settings;
    let daemon = machine.connect(daemon, ROOT).await?;
    let card = token.insert(machine, reader).await?.held_by(daemon);
    machine.succeed(seen).await?;
    Ok(card)
}

/// Plugs a token into a machine's USB, and waits until its kernel has the device: not one that was pulled just now.
pub async fn plug(trial: &Trial, token: &Token, machine: &dyn Machine) -> Result<Card, Stop> {
    machine.succeed(&until_attached(false)).await?;
    let daemon = machine.connect(&reader(trial)?.settings.daemon, ROOT).await?;
    let card = token.plug(machine).await?.held_by(daemon);
    machine.succeed(&until_attached(true)).await?;
    Ok(card)
}

/// A client of a machine's smart card daemon on this host, of this host's architecture. A host that cannot have one
/// skips the check.
pub async fn client(trial: &Trial, machine: &Arc<dyn Machine>) -> Result<Client, Stop> {
    let reader = reader(trial)?;
    let SmartCard { client, daemon, library, .. } = &reader.settings;
    let tool = tool(trial, &reader.client, "pcsc-client", client).await.map_err(skipped)?;
    let architecture = std::env::consts::ARCH;
    let none = || Stop::Skipped(format!("the guest has no client library for a host of {architecture}"));
    let library = library.get(architecture).ok_or_else(none)?;
    let directory = trial.cache().scratch()?;
    let mut client = Client::start(&tool, directory, machine.clone(), daemon, library).await?;
    match client.establish().await? {
        Answer::Ok(_) => Ok(client),
        // So says a daemon of another version of the protocol, and nothing else.
        Answer::Error { code, message } if code == "SCARD_E_SERVICE_STOPPED" => Err(Stop::Broken(format!(
            "the daemon is of another version than the client library in {}: {message}",
            library.display()
        ))),
        refused => Err(Stop::Broken(format!("the daemon has no session for a client: {refused}"))),
    }
}

/// Has a token in the reader of a machine that somebody works in by hand.
pub async fn furnish(trial: &Trial, machine: &dyn Machine) -> Result<Furniture, Stop> {
    let said = |error| match error {
        Stop::Skipped(reason) => Stop::Skipped(format!("There is no token in the reader: {reason}")),
        Stop::Broken(reason) => Stop::Broken(format!("cannot insert a token: {reason}")),
        violated @ Stop::Violated(_) => violated,
    };
    let token = token(trial).await.map_err(said)?;
    let card = insert(trial, &token, machine).await.map_err(said)?;
    let said = format!("A PIV token is in the reader, with the PIN {PIN}.");
    Ok(Furniture { said, kept: Box::new((card, token)) })
}

/// A program of this host, built if this host can.
async fn tool(
    trial: &Trial,
    built: &OnceCell<Result<Tool, ToolError>>,
    program: &'static str,
    package: &Path,
) -> Result<Tool, ToolError> {
    let build = async || {
        let build = Tool::build(program, package, trial.cache());
        let tool = if Tool::was_built(program, trial.cache()) {
            build.await
        } else {
            trial.preparing(&format!("build {program}"), build).await
        };
        if let Err(error) = &tool {
            trial.note(error.to_string());
        }
        tool
    };
    built.get_or_init(build).await.clone()
}

/// Waits until the kernel has the device, or has it no longer. That takes as long as the token on this host does, which
/// is nothing to judge the guest by.
fn until_attached(attached: bool) -> String {
    let not = if attached { "" } else { "! " };
    format!(
        "timeout 50 sh -c '
            attached() {{
                for vendor in /sys/bus/usb/devices/*/idVendor; do
                    read number 2>/dev/null <$vendor && [ $number = 203a ] && return
                done
                return 1
            }}
            until {not}attached; do sleep 0.1; done'"
    )
}

fn skipped(error: ToolError) -> Stop {
    Stop::Skipped(error.to_string())
}
