//! The whole documented chain: secrets on the host, strings on its hypervisor's command line, a guest that was
//! powered on with them.

use std::sync::Arc;

use harness::machine::qemu::{Smbios, Vm};
use harness::target::Convention;
use harness::{Machines, Stop, Trial, violated};

use super::HOST;
use super::host::Host;

/// How the hypervisor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// As the target is configured.
    Configured,
    /// To QEMU, each string an argument.
    QemuValue,
    /// To QEMU, each string a file.
    QemuFile,
    /// `--platform oem_strings=[…]`.
    CloudHypervisor,
}

impl Form {
    /// This one, or as it is configured where the runner cannot be asked for it.
    pub fn if_asked(self, trial: &Trial) -> Result<Form, Stop> {
        Ok(if Form::all(trial)?.contains(&self) { self } else { Form::Configured })
    }

    /// As it is configured, and each that the runner can be asked for.
    pub fn all(trial: &Trial) -> Result<Vec<Form>, Stop> {
        let ask = &trial.credentials()?.host.ask;
        let mut forms = vec![Form::Configured];
        if ask.hypervisor.is_some() {
            forms.push(Form::CloudHypervisor);
        }
        if ask.hypervisor.is_some() && ask.form.is_some() {
            forms.extend([Form::QemuValue, Form::QemuFile]);
        }
        Ok(forms)
    }
}

/// What a host is to send to its guest, and how.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Order {
    pub form: Form,
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
    /// What the target file says, as the target is configured.
    pub fn documented(trial: &Trial) -> Result<Order, Stop> {
        let given = trial.credentials()?;
        let secrets = given.secrets.iter();
        let fixed = given.fixed.iter();
        Ok(Order {
            form: Form::Configured,
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

/// The target's own convention of names, and the other if its runner can be asked for it.
pub fn conventions(trial: &Trial) -> Result<Vec<Convention>, Stop> {
    let given = trial.credentials()?;
    let other = match given.convention {
        Convention::Plain => Convention::Host,
        Convention::Host => Convention::Plain,
    };
    let asked = given.host.ask.convention.is_some().then_some(other);
    Ok([given.convention].into_iter().chain(asked).collect())
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
        let smbios = smbios.or_else(|reason| violated("options that the hypervisor takes", reason))?;
        Ok(Sent { smbios, said: host.said().await? })
    });
    sent.await
}

/// A guest that has booted with what a host has sent.
pub async fn deliver(trial: &Trial, order: &Order) -> Result<Arc<Vm>, Stop> {
    let sent = send(trial, order).await?;
    Ok(guests(trial)?.machine_with(&sent.smbios).await?)
}
