//! The whole documented chain: secrets on the host, strings on its hypervisor's command line, a guest that was
//! powered on with them.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use harness::machine::qemu::{Smbios, Vm};
use harness::target::Convention;
use harness::{Machines, Stop, Trial, violated};

use super::HOST;
use super::frontend::Frontend;
use super::host::Host;

/// What a host is to send to its guest, and how.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Order {
    pub frontend: Frontend,
    pub convention: Convention,
    pub credentials: Vec<Credential>,
    /// What is no secret, by the name of its string.
    pub fixed: Vec<(String, String)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credential {
    /// As the consuming service knows it, such as `api-key`.
    pub name: String,
    pub value: Vec<u8>,
    /// Its file is on the host.
    pub there: bool,
}

impl Order {
    /// What the target file says, through QEMU with each string an argument.
    pub fn documented(trial: &Trial) -> Result<Order, Stop> {
        let given = trial.credentials()?;
        let secrets = given.secrets.iter();
        let fixed = given.fixed.iter();
        Ok(Order {
            frontend: Frontend::QemuValue,
            convention: given.convention,
            credentials: secrets.map(|secret| Credential::new(secret.name(), secret.value())).collect(),
            fixed: fixed.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    /// The same, with these credentials and nothing else.
    pub fn of(trial: &Trial, credentials: Vec<Credential>) -> Result<Order, Stop> {
        Ok(Order { credentials, fixed: Vec::new(), ..Order::documented(trial)? })
    }

    /// What a credential of this name is called on its way (microvm-credential-loading.md, phase 4;
    /// microvm-secret-flow.md, Credential Name Mapping).
    pub fn sent_as(&self, name: &str) -> String {
        let upper = name.to_uppercase();
        match self.convention {
            Convention::Plain => upper.replace('-', "_"),
            Convention::Host => format!("HOST-{upper}"),
        }
    }

    /// The strings that the guest is to find, in order.
    pub fn strings(&self) -> Vec<Vec<u8>> {
        self.delivered().iter().map(|(name, value)| string(name, value)).collect()
    }

    /// Name and value of each that the guest's system is to have.
    pub fn delivered(&self) -> Vec<(String, Vec<u8>)> {
        let there = self.credentials.iter().filter(|credential| credential.there);
        let secrets = there.map(|credential| (self.sent_as(&credential.name), credential.value.clone()));
        let fixed = self.fixed.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes()));
        secrets.chain(fixed).collect()
    }
}

impl Credential {
    pub fn new(name: &str, value: &[u8]) -> Credential {
        Credential { name: name.to_owned(), value: value.to_owned(), there: true }
    }
}

/// As systemd reads it (systemd.system-credentials; `systemd(1)`, `io.systemd.credential`).
fn string(name: &str, value: &[u8]) -> Vec<u8> {
    if value.iter().all(|byte| plain(*byte)) && !value.is_empty() {
        return [b"io.systemd.credential:", name.as_bytes(), b"=", value].concat();
    }
    format!("io.systemd.credential.binary:{name}={}", BASE64_STANDARD.encode(value)).into_bytes()
}

/// What no front end takes for a separator.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=._:@%-".contains(&byte)
}

/// The guests that the check decides about.
pub fn guests(trial: &Trial) -> Result<Machines<'_>, Stop> {
    let variant = trial.variant().ok_or_else(|| Stop::Broken("the check names no guest".into()))?;
    Ok(trial.stage(variant)?)
}

/// What a host has made of an order.
#[derive(Clone)]
pub struct Sent {
    /// What its hypervisor was told.
    pub smbios: Smbios,
    /// What its services have said meanwhile.
    pub said: String,
}

/// Has a host send an order. What one host has sent goes to all guests, whatever their architecture.
pub async fn send(trial: &Trial, order: &Order) -> Result<Sent, Stop> {
    let hosts = trial.stage(HOST)?;
    let sent = hosts.ask(order.clone(), async |apart| {
        let host = Host::with(apart, order).await?;
        host.start().await?;
        let smbios = host.recorded().await?.smbios();
        let smbios = smbios.or_else(|reason| violated("options that QEMU takes", reason))?;
        Ok(Sent { smbios, said: host.said().await? })
    });
    sent.await
}

/// A guest that has booted with what a host has sent.
pub async fn deliver(trial: &Trial, order: &Order) -> Result<Arc<Vm>, Stop> {
    let sent = send(trial, order).await?;
    Ok(guests(trial)?.machine_with(&sent.smbios).await?)
}
