//! A token for the guest's reader, and what it takes to have one on this host.

mod token;
mod tool;

use std::sync::Arc;

pub use token::{Card, Certificate, Manner, PIN, Token, TokenError};
pub use tool::{Tool, ToolError};

use crate::cache::Cache;
use crate::event::{Event, Listener};
use crate::lab::timed;
use crate::machine::qemu::Vm;
use crate::target::SmartCard;
use crate::{MachineError, Stop};

/// Where tokens for the reader of one target come from.
#[derive(Debug, Clone)]
pub struct Tokens {
    target: SmartCard,
    tool: Result<Tool, ToolError>,
    certificate: Certificate,
    cache: Cache,
}

impl Tokens {
    /// Builds the program, if this host can.
    pub async fn prepare(target: &SmartCard, cache: &Cache, listener: &Arc<dyn Listener>) -> Tokens {
        let build = Tool::build("token", &target.token, cache);
        let tool = timed(&**listener, "build the token".to_owned(), build).await;
        if let Err(error) = &tool {
            listener.hear(&Event::Noted { text: error.to_string() });
        }
        Tokens { target: target.clone(), tool, certificate: Certificate::Own, cache: cache.clone() }
    }

    /// The same with another certificate on each.
    pub fn showing(&self, certificate: Certificate) -> Tokens {
        Tokens { certificate, ..self.clone() }
    }

    /// A token with keys of its own. A host that cannot have one skips the check.
    pub async fn make(&self) -> Result<Token, Stop> {
        let tool = self.tool.clone().map_err(|error| Stop::Skipped(error.to_string()))?;
        Ok(Token::make(tool, self.cache.scratch()?, self.certificate).await?)
    }

    /// Puts a token into the target's reader.
    pub async fn insert(&self, token: &Token, machine: &Vm, manner: Manner) -> Result<Card, MachineError> {
        let daemon = machine.connect(&self.target.daemon).await?;
        Ok(token.insert(machine, &self.target.reader, manner).await?.held_by(daemon))
    }
}
