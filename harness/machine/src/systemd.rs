//! A guest's service manager, spoken to over the guest's own system bus.

use std::time::Duration;

use futures::StreamExt;
use record::MachineError;
use tokio::net::UnixStream;
use zbus::connection::{Builder, Connection};
use zbus::fdo::PropertiesProxy;
use zbus::proxy::CacheProperties;
use zbus::zvariant::OwnedObjectPath;

use crate::patience::patient;

/// How long the bus may take for one answer. A machine may still be booting, emulated on a busy host; that it
/// has died is noticed elsewhere, at once.
const LIMIT: Duration = Duration::from_secs(180);

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1",
    gen_blocking = false
)]
trait Manager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    #[zbus(signal)]
    fn unit_new(&self, id: String, unit: OwnedObjectPath) -> zbus::Result<()>;
    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: OwnedObjectPath, unit: String, result: String) -> zbus::Result<()>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn system_state(&self) -> zbus::Result<String>;
}

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Unit",
    default_service = "org.freedesktop.systemd1",
    gen_blocking = false
)]
trait UnitProperties {
    #[zbus(property(emits_changed_signal = "false"))]
    fn active_state(&self) -> zbus::Result<String>;
}

/// A connection to a guest's service manager.
pub struct Systemd {
    machine: String,
    connection: Connection,
    manager: ManagerProxy<'static>,
}

impl Systemd {
    /// Connects over a channel that leads to the guest's system bus.
    pub async fn connect(machine: &str, stream: UnixStream) -> Result<Systemd, MachineError> {
        // The other end is root's, whoever runs the harness.
        let connecting = Builder::unix_stream(stream).user_id(0).build();
        let connection = bounded(machine, "connect to the system bus", connecting).await?;
        Self::on(machine, connection).await
    }

    /// The service manager on this bus: the system's, or a user's.
    pub async fn on(machine: &str, connection: Connection) -> Result<Systemd, MachineError> {
        let connecting = async {
            let manager =
                ManagerProxy::builder(&connection).cache_properties(CacheProperties::No).build().await?;
            manager.subscribe().await?;
            Ok(manager)
        };
        let manager = bounded(machine, "tell of its jobs", connecting).await?;
        Ok(Systemd { machine: machine.to_owned(), connection, manager })
    }

    /// `active`, `inactive`, `failed`, `activating`, ….
    pub async fn active_state(&self, unit: &str) -> Result<String, MachineError> {
        bounded(&self.machine, &format!("tell the state of {unit}"), async {
            self.unit(unit).await?.active_state().await
        })
        .await
    }

    /// `running`, `degraded`, `starting`, ….
    pub async fn system_state(&self) -> Result<String, MachineError> {
        bounded(&self.machine, "tell the system's state", self.manager.system_state()).await
    }

    /// Waits until a unit is `active`, `inactive`, `failed`, ….
    pub async fn wait_until(&self, unit: &str, state: &str, limit: Duration) -> Result<(), MachineError> {
        let waiting = async {
            let watched = self.unit(unit).await?;
            let properties = PropertiesProxy::builder(&self.connection)
                .destination(watched.inner().destination().to_owned())?
                .path(watched.inner().path().to_owned())?
                .build()
                .await?;
            let mut changes = properties.receive_properties_changed().await?;
            // A unit that systemd did not know before begins its life without a change. Of this one alone: births that
            // nobody takes, while an answer is waited for, would in the end keep the answer from arriving.
            let mut births = self.manager.receive_unit_new_with_args(&[(0, unit)]).await?;
            while watched.active_state().await? != state {
                tokio::select! {
                    Some(_) = changes.next() => {}
                    Some(_) = births.next() => {}
                    // The connection is gone: the machine's death is seen elsewhere.
                    else => std::future::pending().await,
                }
            }
            Ok(())
        };
        let limit = patient(limit);
        match tokio::time::timeout(limit, waiting).await {
            Ok(result) => result.map_err(|error| refused(&self.machine, "wait for a unit", error)),
            Err(_) => {
                let (machine, what) = (self.machine.clone(), format!("{unit} to be {state}"));
                Err(MachineError::Never { machine, what, limit })
            }
        }
    }

    /// How the next job of this unit ends: `done`, `failed`, `canceled`, `timeout`, `dependency` or `skipped`. None
    /// when no job at all has ended for as long as `quiet`.
    pub async fn end_of_job(&self, unit: &str, quiet: Duration) -> Result<Option<String>, MachineError> {
        let subscribing = self.manager.receive_job_removed();
        let mut ends = bounded(&self.machine, "watch jobs", subscribing).await?;
        while let Ok(Some(end)) = tokio::time::timeout(patient(quiet), ends.next()).await {
            let end = end.args().map_err(|error| refused(&self.machine, "read a signal", error))?;
            if end.unit == unit {
                return Ok(Some(end.result.clone()));
            }
        }
        Ok(None)
    }

    async fn unit(&self, name: &str) -> zbus::Result<UnitPropertiesProxy<'static>> {
        let path = self.manager.load_unit(name).await?;
        // A cache would ask for all hundred of its properties first.
        UnitPropertiesProxy::builder(&self.connection)
            .path(path)?
            .cache_properties(CacheProperties::No)
            .build()
            .await
    }
}

async fn bounded<T>(
    machine: &str,
    what: &str,
    asked: impl Future<Output = zbus::Result<T>>,
) -> Result<T, MachineError> {
    let limit = patient(LIMIT);
    match tokio::time::timeout(limit, asked).await {
        Ok(result) => result.map_err(|error| refused(machine, what, error)),
        Err(_) => Err(MachineError::Never {
            machine: machine.to_owned(),
            what: format!("the service manager to {what}"),
            limit,
        }),
    }
}

fn refused(machine: &str, action: &str, error: zbus::Error) -> MachineError {
    let action = format!("have the service manager {action}");
    MachineError::Refused { machine: machine.to_owned(), action, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use zbus::object_server::SignalEmitter;

    use super::*;

    const UNIT: &str = "/org/freedesktop/systemd1/unit/mine";

    /// A service manager that begins to know very many units whenever it is asked for the state of one.
    struct Busy;

    #[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
    impl Busy {
        fn subscribe(&self) {}

        fn load_unit(&self, _name: &str) -> OwnedObjectPath {
            OwnedObjectPath::try_from(UNIT).unwrap()
        }

        #[zbus(signal)]
        async fn unit_new(emitter: &SignalEmitter<'_>, id: &str, unit: OwnedObjectPath) -> zbus::Result<()>;
    }

    /// Active when it is asked for the third time.
    #[derive(Default)]
    struct Mine(AtomicU32);

    #[zbus::interface(name = "org.freedesktop.systemd1.Unit")]
    impl Mine {
        #[zbus(property)]
        async fn active_state(&self, #[zbus(connection)] connection: &Connection) -> String {
            let asked = self.0.fetch_add(1, Ordering::Relaxed);
            let emitter = SignalEmitter::new(connection, "/org/freedesktop/systemd1").unwrap();
            let path = || OwnedObjectPath::try_from(UNIT).unwrap();
            for other in 0..200 {
                Busy::unit_new(&emitter, &format!("other-{other}.service"), path()).await.unwrap();
            }
            Busy::unit_new(&emitter, "mine.mount", path()).await.unwrap();
            if asked < 2 { "inactive".to_owned() } else { "active".to_owned() }
        }
    }

    #[tokio::test]
    async fn a_unit_is_waited_for_however_many_others_are_born() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let guid = zbus::Guid::generate();
        let manager = Builder::unix_stream(theirs).server(guid).unwrap().p2p();
        let manager = manager.serve_at("/org/freedesktop/systemd1", Busy).unwrap();
        let manager = manager.serve_at(UNIT, Mine::default()).unwrap().build();
        let (_manager, client) = tokio::try_join!(manager, Builder::unix_stream(ours).p2p().build()).unwrap();
        let systemd = Systemd::on("machine", client).await.unwrap();
        systemd.wait_until("mine.mount", "active", Duration::from_secs(20)).await.unwrap();
    }
}
