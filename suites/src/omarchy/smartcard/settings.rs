//! The card that can be put into a reader of the guest's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use harness::Table;
use serde::Deserialize;

use super::token::Flaw;

/// What a target file says of where the card comes from, and where it goes. What it does not say is as the reference
/// has it: no document has a card of software.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
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
    /// What is wrong with each token, to prove that checks see it.
    pub flaw: Option<Flaw>,
}

impl Default for SmartCard {
    fn default() -> SmartCard {
        let library =
            [("x86_64", "/opt/x86_64/usr/lib/x86_64-linux-gnu"), ("aarch64", "/usr/lib/aarch64-linux-gnu")];
        SmartCard {
            token: PathBuf::new(),
            client: PathBuf::new(),
            reader: "tcp:35963".into(),
            daemon: "unix:/run/pcscd/pcscd.comm".into(),
            seen: SEEN.into(),
            library: library.into_iter().map(|(host, path)| (host.to_owned(), path.into())).collect(),
            flaw: None,
        }
    }
}

/// Not `opensc-tool --wait`: OpenSC waits for a card to come, and one that came just before is there already.
const SEEN: &str =
    "timeout 50 sh -c 'until opensc-tool --list-readers | grep --quiet \" Yes \"; do sleep 0.1; done'";

impl Table for SmartCard {
    const NAME: &'static str = "smartcard";

    fn validate(&self) -> Result<(), String> {
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

    fn find(&mut self, target: &Path, fixtures: &Path) {
        for (package, ours) in [(&mut self.token, "token"), (&mut self.client, "pcsc-client")] {
            *package =
                if package.as_os_str().is_empty() { fixtures.join(ours) } else { target.join(&package) };
        }
    }
}

#[cfg(test)]
mod tests {
    use harness::{Home, Target};
    use rstest::rstest;

    use super::*;
    use crate::settings_with;

    #[test]
    fn the_target_file_of_omarchy_says_what_the_defaults_are() {
        let home = Home::find().unwrap();
        let target = Target::load(&home.target("omarchy"), &home).unwrap();
        let said: SmartCard = target.settings.read().unwrap();
        for package in [&said.token, &said.client] {
            assert!(package.join("Cargo.toml").is_file(), "{}", package.display());
        }
        let SmartCard { token, client, .. } = said.clone();
        assert_eq!(said, SmartCard { token, client, ..SmartCard::default() });
    }

    #[rstest]
    #[case("35963")]
    #[case("tcp:0")]
    #[case("unix:run/pcscd")]
    fn a_reader_that_cannot_be_found_is_refused(#[case] reader: &str) {
        let expected = format!("t.toml: smartcard.reader = {reader:?}: write \"unix:/PATH\" or \"tcp:PORT\"");
        assert_eq!(settings_with::<SmartCard>(&format!("reader = '{reader}'")).unwrap_err(), expected);
    }

    #[test]
    fn the_packages_are_ours_or_beside_the_file() {
        let card = settings_with::<SmartCard>("token = 'mine'").unwrap();
        assert_eq!((card.token, card.client), ("mine".into(), "fixtures/pcsc-client".into()));
    }
}
