//! A token for the guest's reader, a client for its daemon, and what it takes to have them on this host.

mod client;
mod token;
mod tool;

use std::sync::Arc;

pub use client::{Answer, Client};
pub use token::{Card, Flaw, PIN, Pulled, Token, TokenError};
pub use tool::{Tool, ToolError};

use crate::cache::Cache;
use crate::event::{Event, Listener};
use crate::lab::timed;
use crate::machine::qemu::ROOT;
use crate::target::SmartCard;
use crate::{Machine, MachineError, Stop};

/// Where tokens and clients for one target come from.
#[derive(Debug, Clone)]
pub struct SmartCards {
    target: SmartCard,
    token: Result<Tool, ToolError>,
    client: Result<Tool, ToolError>,
    flaw: Option<Flaw>,
    cache: Cache,
}

impl SmartCards {
    /// Builds the programs, if this host can.
    pub async fn prepare(target: &SmartCard, cache: &Cache, listener: &Arc<dyn Listener>) -> SmartCards {
        let build = async |program, package| {
            let build = Tool::build(program, package, cache);
            let tool = if Tool::was_built(program, cache) {
                build.await
            } else {
                timed(&**listener, format!("build {program}"), build).await
            };
            if let Err(error) = &tool {
                listener.hear(&Event::Noted { text: error.to_string() });
            }
            tool
        };
        let token = build("token", &target.token).await;
        let client = build("pcsc-client", &target.client).await;
        SmartCards { target: target.clone(), token, client, flaw: None, cache: cache.clone() }
    }

    /// The same with something wrong with each token.
    pub fn with(&self, flaw: Flaw) -> SmartCards {
        SmartCards { flaw: Some(flaw), ..self.clone() }
    }

    /// A token with keys of its own. A host that cannot have one skips the check.
    pub async fn token(&self) -> Result<Token, Stop> {
        let tool = self.token.clone().map_err(skipped)?;
        Ok(Token::make(tool, self.cache.scratch()?, self.flaw).await?)
    }

    /// Puts a token into the target's reader, and waits until the daemon sees it. A daemon that does not is no
    /// verdict: on a busy host the token may have come late.
    pub async fn insert(&self, token: &Token, machine: &dyn Machine) -> Result<Card, MachineError> {
        let daemon = machine.connect(&self.target.daemon, ROOT).await?;
        let card = token.insert(machine, &self.target.reader).await?.held_by(daemon);
        machine.succeed(&self.target.seen).await?;
        Ok(card)
    }

    /// Plugs a token into a machine's USB, and waits until its kernel has the device: not one that was pulled just now.
    pub async fn plug(&self, token: &Token, machine: &dyn Machine) -> Result<Card, MachineError> {
        machine.succeed(&until_attached(false)).await?;
        let daemon = machine.connect(&self.target.daemon, ROOT).await?;
        let card = token.plug(machine).await?.held_by(daemon);
        machine.succeed(&until_attached(true)).await?;
        Ok(card)
    }

    /// A client on this host, of this host's architecture. A host that cannot have one skips the check.
    pub async fn client(&self, machine: &Arc<dyn Machine>) -> Result<Client, Stop> {
        let tool = self.client.as_ref().map_err(|error| skipped(error.clone()))?;
        let architecture = std::env::consts::ARCH;
        let none = || Stop::Skipped(format!("the guest has no client library for a host of {architecture}"));
        let library = self.target.library.get(architecture).ok_or_else(none)?;
        let (directory, daemon) = (self.cache.scratch()?, &self.target.daemon);
        let mut client = Client::start(tool, directory, machine.clone(), daemon, library).await?;
        match client.establish().await? {
            Answer::Ok(_) => Ok(client),
            // So says a daemon of another version of the protocol, and nothing else.
            Answer::Error { code, message } if code == "SCARD_E_SERVICE_STOPPED" => {
                Err(Stop::Broken(format!(
                    "the daemon is of another version than the client library in {}: {message}",
                    library.display()
                )))
            }
            refused => Err(Stop::Broken(format!("the daemon has no session for a client: {refused}"))),
        }
    }
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
