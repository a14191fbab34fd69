//! Connections of this host's to the D-Bus buses of a machine.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde::Serialize;
use zbus::connection::{Builder, Connection};
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::zvariant::{DynamicDeserialize, DynamicType};

use super::life::during;
use super::patience::patient;
use super::qemu::Peer;
use super::{Machine, MachineError, Systemd};

/// How long a reply may take: longer than a bus waits for a service that it starts.
const LIMIT: Duration = Duration::from_secs(180);

/// The bus itself.
pub const BUS: Object<'_> =
    Object { name: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };

/// What is called: an interface of an object of whoever owns a name.
#[derive(Debug, Clone, Copy)]
pub struct Object<'o> {
    pub name: &'o str,
    pub path: &'o str,
    pub interface: &'o str,
}

/// A connection to a bus.
pub struct Bus {
    machine: Arc<dyn Machine>,
    connection: Connection,
    /// For the transcript.
    label: String,
}

/// Why a call was not answered with what it asks for: the name of an error, such as
/// `org.freedesktop.DBus.Error.AccessDenied`, and what it means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct Refusal {
    pub name: String,
    pub message: String,
}

impl Bus {
    /// Connects to the bus that listens at this socket of a machine. It asks the kernel who is at the other end.
    pub async fn connect(
        machine: &Arc<dyn Machine>,
        socket: &str,
        peer: Peer<'_>,
    ) -> Result<Bus, MachineError> {
        let stream = machine.connect(&format!("unix:{socket}"), peer).await?;
        let connecting = Builder::unix_stream(stream).user_id(peer.id).build();
        let connection = bounded(&**machine, &format!("connect to {socket}"), connecting).await?;
        let label = format!("bus {socket}, as {}", peer.name);
        Ok(Bus { machine: machine.clone(), connection, label })
    }

    /// Calls a method of an object, which may have its service started.
    pub async fn call<B, T>(
        &self,
        object: Object<'_>,
        method: &str,
        body: &B,
    ) -> Result<Result<T, Refusal>, MachineError>
    where
        B: Serialize + DynamicType,
        T: for<'d> DynamicDeserialize<'d>,
    {
        let Object { name, path, interface } = object;
        let action = format!("{}: {name} {interface}.{method}", self.label);
        let calling = async {
            match self.connection.call_method(Some(name), path, Some(interface), method, body).await {
                Ok(reply) => reply.body().deserialize().map(Ok),
                Err(zbus::Error::MethodError(name, message, _)) => {
                    Ok(Err(Refusal { name: name.to_string(), message: message.unwrap_or_default() }))
                }
                Err(error) => Err(error),
            }
        };
        let calling = bounded(&*self.machine, &action, calling);
        self.noted(&action, calling).await
    }

    /// The service manager that is on this bus.
    pub async fn systemd(&self) -> Result<Systemd, MachineError> {
        Systemd::on(self.machine.name(), self.connection.clone()).await
    }

    /// Asks the bus for a well-known name. The answer tells which of the ways of having it this is, or that somebody
    /// else has it.
    pub async fn request_name(&self, name: &str) -> Result<Result<u32, Refusal>, MachineError> {
        const DO_NOT_QUEUE: u32 = 4;
        self.call(BUS, "RequestName", &(name, DO_NOT_QUEUE)).await
    }

    /// Waits until somebody owns a name, and tells whether anybody does.
    pub async fn wait_for_owner(&self, name: &str, limit: Duration) -> Result<bool, MachineError> {
        let action = format!("{}: wait for an owner of {name}", self.label);
        let waiting = async {
            let bus = DBusProxy::new(&self.connection).await?;
            let mut changes = bus.receive_name_owner_changed_with_args(&[(0, name)]).await?;
            let name = BusName::try_from(name)?;
            while !bus.name_has_owner(name.clone()).await? {
                changes.next().await.ok_or(zbus::Error::InvalidReply)?;
            }
            Ok(true)
        };
        let in_time = async { tokio::time::timeout(patient(limit), waiting).await.unwrap_or(Ok(false)) };
        self.noted(&action, bounded(&*self.machine, &action, in_time)).await
    }

    /// The process that owns a name in the guest, if any does.
    pub async fn owner(&self, name: &str) -> Result<Option<u32>, MachineError> {
        Ok(self.call(BUS, "GetConnectionUnixProcessID", &name).await?.ok())
    }

    async fn noted<T>(
        &self,
        action: &str,
        doing: impl Future<Output = Result<T, MachineError>>,
    ) -> Result<T, MachineError> {
        self.machine.transcript().noted(self.machine.name(), action, doing).await
    }
}

/// What a bus does, at most for so long. That its machine has died says more than that the connection is closed.
async fn bounded<T>(
    machine: &dyn Machine,
    action: &str,
    asked: impl Future<Output = zbus::Result<T>>,
) -> Result<T, MachineError> {
    let asking = async {
        let limit = patient(LIMIT);
        match tokio::time::timeout(limit, asked).await {
            Ok(result) => result.map_err(|error| MachineError::refused(machine.name(), action, error)),
            Err(_) => Err(MachineError::Never {
                machine: machine.name().to_owned(),
                what: format!("an answer to {action}"),
                limit,
            }),
        }
    };
    during(machine.death(), asking).await
}
