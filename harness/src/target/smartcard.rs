//! The card that can be put into a reader of the guest's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where the card comes from, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmartCard {
    /// The package of the token, which is built on this host; a path from the file's own directory.
    pub token: PathBuf,
    /// The package of the client on this host, likewise.
    pub client: PathBuf,
    /// Where in the guest the reader waits for a card: `unix:PATH`, or `tcp:PORT` of its loopback.
    pub reader: String,
    /// Where in the guest the daemon listens that has the reader. Whoever connects starts it, and as long as
    /// somebody is connected it stays.
    pub daemon: String,
    /// A command of the guest's that ends, well, when the daemon sees a card.
    pub seen: String,
    /// Where in the guest the client's libraries are, for hosts of each architecture.
    pub library: BTreeMap<String, PathBuf>,
}

impl SmartCard {
    pub(super) fn beside(&mut self, directory: &Path) {
        self.token = directory.join(&self.token);
        self.client = directory.join(&self.client);
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        for (name, address) in [("reader", &self.reader), ("daemon", &self.daemon)] {
            let known = match address.split_once(':') {
                Some(("unix", path)) => path.starts_with('/'),
                Some(("tcp", port)) => port.parse::<u16>().is_ok_and(|port| port > 0),
                _ => false,
            };
            if !known {
                return Err(format!("smartcard.{name} = {address:?}: write \"unix:/PATH\" or \"tcp:PORT\""));
            }
        }
        Ok(())
    }
}
