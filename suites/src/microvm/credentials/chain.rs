//! The whole documented chain: secrets on the host, strings on its hypervisor's command line, a guest that was
//! powered on with them.

use std::sync::Arc;

use super::settings::{Convention, credentials};
use harness::machine::qemu::Smbios;
use harness::{Machine, Machines, Stop, Trial, violated};

use super::HOST;
use super::host::Host;
use super::strings::subjects;

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
        let ask = &credentials(trial)?.host.ask;
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
        let given = credentials(trial)?;
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

    /// These credentials, in one order if the runner can be asked for them. Otherwise their values go under the names
    /// of the target's own, so many at a time.
    pub async fn each(trial: &Trial, form: Form, credentials: Vec<Credential>) -> Result<Vec<Order>, Stop> {
        let own = Order { form, ..Order::documented(trial)? };
        let mut more = Order::documented(trial)?;
        more.credentials.push(Credential::new("one-more", b"harmless"));
        if heeds(trial, &more).await? || own.credentials.is_empty() {
            return Ok(vec![Order { form, ..Order::of(trial, credentials)? }]);
        }
        let orders = credentials.chunks(own.credentials.len()).map(|values| {
            let mut order = own.clone();
            for (credential, other) in order.credentials.iter_mut().zip(values) {
                credential.value.clone_from(&other.value);
            }
            order
        });
        Ok(orders.collect())
    }

    /// The same with values that nothing can be wrong with.
    pub fn harmless(&self) -> Order {
        let credentials = self.credentials.iter();
        let credentials =
            credentials.map(|credential| Credential::new(&credential.name, b"harmless")).collect();
        Order { credentials, ..self.clone() }
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
pub async fn conventions(trial: &Trial) -> Result<Vec<Convention>, Stop> {
    let own = Order::documented(trial)?;
    let other = match own.convention {
        Convention::Plain => Convention::Host,
        Convention::Host => Convention::Plain,
    };
    let asked = heeds(trial, &Order { convention: other, ..own.clone() }).await?.then_some(other);
    Ok([own.convention].into_iter().chain(asked).collect())
}

/// Whether the runner sends anything else when it is asked for this. One that was built for its own secrets does not.
pub async fn heeds(trial: &Trial, asked: &Order) -> Result<bool, Stop> {
    let own = send(trial, &Order::documented(trial)?).await?;
    match send(trial, asked).await {
        Ok(sent) => Ok(subjects(&sent.smbios.strings()) != subjects(&own.smbios.strings())),
        Err(Stop::Skipped(_)) => Ok(false),
        Err(undecided) => Err(undecided),
    }
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
    let (key, order) = (order.clone(), order.clone());
    trial.shared(Some(HOST), key, |trial| Box::pin(async move { sent_by_host(trial, &order).await })).await
}

async fn sent_by_host(trial: &Trial, order: &Order) -> Result<Sent, Stop> {
    let host = Host::with(trial, order).await?;
    let hypervisor = host.start().await?;
    let smbios = host.recorded(hypervisor).await?.smbios();
    let smbios = smbios.or_else(|reason| violated("options that the hypervisor takes", reason))?;
    Ok(Sent { smbios, said: host.said().await? })
}

/// A guest that has booted with what a host has sent.
pub async fn deliver(trial: &Trial, order: &Order) -> Result<Arc<dyn Machine>, Stop> {
    let sent = send(trial, order).await?;
    Ok(guests(trial)?.machine_with(&sent.smbios).await?)
}
