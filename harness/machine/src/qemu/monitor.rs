//! QEMU's own monitor: what is done to the virtual hardware.

use std::time::Duration;

use futures::StreamExt;
use qapi::futures::{QapiService, QmpStreamTokio};
use qapi::qmp::{self, Event};
use record::MachineError;
use serde_json::{Map, Value, json};
use tokio::io::WriteHalf;
use tokio::net::UnixStream;
use tokio::sync::broadcast;

use super::arguments::{CALL, DISK, DRIVE_BUS, PORT_BUS, drive};
use crate::patience::patient;

/// How long QEMU may take for anything asked of it. One that has died is noticed at once, so this is for a host that is
/// very busy: with three more loads beside a run, one took longer than 30 s to begin.
const LIMIT: Duration = Duration::from_secs(120);

/// Events kept for a listener that is slow to ask.
const EVENT_BACKLOG: usize = 64;

/// How the names of channels begin.
pub const CHANNEL: &str = "assay.channel.";

type Writer = QmpStreamTokio<WriteHalf<UnixStream>>;

/// A connection to the monitor.
pub struct Monitor {
    machine: String,
    service: QapiService<Writer>,
    events: broadcast::Sender<Event>,
}

impl Monitor {
    pub async fn open(machine: &str, stream: UnixStream) -> Result<Monitor, MachineError> {
        Self::open_within(machine, stream, LIMIT).await
    }

    async fn open_within(
        machine: &str,
        stream: UnixStream,
        limit: Duration,
    ) -> Result<Monitor, MachineError> {
        let limit = patient(limit);
        let opening = async { QmpStreamTokio::open(stream).await?.negotiate().await };
        let opened = tokio::time::timeout(limit, opening).await.map_err(|_| MachineError::Never {
            machine: machine.to_owned(),
            what: "QEMU to open its monitor".to_owned(),
            limit,
        })?;
        let opened = opened.map_err(|error| refused(machine, "open the monitor", error))?;
        let (service, mut incoming) = opened.into_parts();
        let events = broadcast::Sender::new(EVENT_BACKLOG);
        let sender = events.clone();
        tokio::spawn(async move {
            while let Some(Ok(event)) = incoming.next().await {
                let _ = sender.send(event);
            }
        });
        Ok(Monitor { machine: machine.to_owned(), service, events })
    }

    /// Lets the guest run.
    pub async fn resume(&self) -> Result<(), MachineError> {
        self.execute("let the guest run", qmp::cont {}).await
    }

    /// Stops the guest's processors and clock.
    pub async fn pause(&self) -> Result<(), MachineError> {
        self.execute("pause the guest", qmp::stop {}).await
    }

    /// Has QEMU do all that was asked of it so far, also over other channels.
    pub async fn settle(&self) -> Result<(), MachineError> {
        self.execute("come to rest", qmp::query_status {}).await
    }

    /// Writes the state of the devices, not the memory, to a pipe that QEMU inherited. What QEMU starts
    /// does not inherit it in turn, and opens it through QEMU.
    pub async fn save_state(&self, file: i32) -> Result<(), MachineError> {
        self.ignore_shared_memory().await?;
        let mut events = self.events.subscribe();
        let uri = Some(format!("exec:cat >/proc/$PPID/fd/{file}"));
        let migrate = qmp::migrate { uri, channels: None, detach: None, resume: None };
        self.execute("save the machine's state", migrate).await?;
        self.migrated("save the machine's state", &mut events).await
    }

    /// Reads the state of the devices from a descriptor that QEMU inherited.
    pub async fn load_state(&self, file: i32) -> Result<(), MachineError> {
        self.ignore_shared_memory().await?;
        let mut events = self.events.subscribe();
        let uri = Some(format!("fd:{file}"));
        let incoming = qmp::migrate_incoming { uri, channels: None, exit_on_error: None };
        self.execute("load the machine's state", incoming).await?;
        self.migrated("load the machine's state", &mut events).await
    }

    /// Plugs a drive in.
    pub async fn plug(&self, name: &str, path: &str) -> Result<(), MachineError> {
        let node = serde_json::from_value::<qmp::BlockdevOptions>(drive(name, path));
        let node = node.map_err(|error| refused(&self.machine, "describe a drive", error))?;
        self.execute("add a drive", qmp::blockdev_add(node)).await?;
        let device = qmp::device_add {
            driver: "scsi-hd".into(),
            bus: Some(DRIVE_BUS.into()),
            id: Some(name.into()),
            arguments: Map::from_iter([("drive".to_owned(), Value::from(name))]),
        };
        self.execute("plug a drive", device).await
    }

    /// Pulls a drive out, used or not, and waits until it is gone.
    pub async fn unplug(&self, name: &str) -> Result<(), MachineError> {
        self.pull_out(name).await?;
        self.execute("remove a drive", qmp::blockdev_del { node_name: name.into() }).await
    }

    /// Pulls a device out, and waits until it is gone.
    async fn pull_out(&self, device: &str) -> Result<(), MachineError> {
        let mut events = self.events.subscribe();
        self.execute(&format!("unplug {device}"), qmp::device_del { id: device.into() }).await?;
        let is_gone = |event: &Event| matches!(event, Event::DEVICE_DELETED { data, .. } if data.device.as_deref() == Some(device));
        self.wait_for(&format!("{device} to be gone"), &mut events, is_gone).await
    }

    /// Plugs in a port of that name, whose other end QEMU connects to a socket without a file.
    pub async fn plug_channel(&self, name: &str, socket: &str) -> Result<(), MachineError> {
        let backend = json!({
            "type": "socket",
            "data": {
                "server": false,
                "addr": { "type": "unix", "data": { "path": socket, "abstract": true, "tight": true } },
            },
        });
        let backend = serde_json::from_value::<qmp::ChardevBackend>(backend);
        let backend = backend.map_err(|error| refused(&self.machine, "describe a channel", error))?;
        self.execute("connect a channel", qmp::chardev_add { id: name.into(), backend }).await?;
        let device = qmp::device_add {
            driver: "virtserialport".into(),
            bus: Some(PORT_BUS.into()),
            id: Some(name.into()),
            arguments: Map::from_iter(["chardev", "name"].map(|key| (key.to_owned(), Value::from(name)))),
        };
        self.execute("plug a channel", device).await
    }

    /// Pulls out the channels that somebody has hung up: a guest has few ports.
    pub async fn unplug_ended_channels(&self) -> Result<(), MachineError> {
        for channel in self.ask("list its channels", qmp::query_chardev {}).await? {
            if channel.filename.starts_with("disconnected:") && channel.label.starts_with(CHANNEL) {
                self.pull_out(&channel.label).await?;
                self.execute("remove a channel", qmp::chardev_remove { id: channel.label }).await?;
            }
        }
        Ok(())
    }

    /// Plugs a port in that nobody listens at: the guest is told that something has appeared.
    pub async fn call(&self) -> Result<(), MachineError> {
        let device = qmp::device_add {
            driver: "virtserialport".into(),
            bus: Some(PORT_BUS.into()),
            id: Some(CALL.into()),
            arguments: Map::from_iter([
                ("name".to_owned(), Value::from(CALL)),
                ("chardev".to_owned(), Value::from(CALL)),
            ]),
        };
        self.execute("call the guest", device).await
    }

    /// Pulls it out.
    pub async fn hang_up(&self) -> Result<(), MachineError> {
        self.pull_out(CALL).await
    }

    /// Lets the root disk do at most so many things in a second of real time; 0 for as many as it can.
    pub async fn throttle(&self, operations: u32) -> Result<(), MachineError> {
        let limits = json!({
            "id": format!("/machine/peripheral/{DISK}/virtio-backend"), "bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": operations, "iops_rd": 0, "iops_wr": 0,
        });
        let limits = serde_json::from_value::<qmp::BlockIOThrottle>(limits);
        let limits = limits.map_err(|error| refused(&self.machine, "describe a limit", error))?;
        self.execute("slow the disk down", qmp::block_set_io_throttle(limits)).await
    }

    /// Ends QEMU in an orderly way: everything written reaches its image files.
    pub async fn quit(&self) -> Result<(), MachineError> {
        self.execute("quit QEMU", qmp::quit {}).await
    }

    async fn ignore_shared_memory(&self) -> Result<(), MachineError> {
        let wanted = [qmp::MigrationCapability::x_ignore_shared, qmp::MigrationCapability::events];
        let capabilities = wanted
            .into_iter()
            .map(|capability| qmp::MigrationCapabilityStatus { capability, state: true })
            .collect();
        self.execute("set up saving", qmp::migrate_set_capabilities { capabilities }).await
    }

    async fn migrated(
        &self,
        what: &str,
        events: &mut broadcast::Receiver<Event>,
    ) -> Result<(), MachineError> {
        use qmp::MigrationStatus::{cancelled, completed, failed};
        let mut end = None;
        let is_over = |event: &Event| {
            if let Event::MIGRATION { data, .. } = event {
                end = Some(data.status).filter(|status| matches!(status, completed | failed | cancelled));
            }
            end.is_some()
        };
        self.wait_for(what, events, is_over).await?;
        if end == Some(completed) {
            Ok(())
        } else {
            Err(refused(&self.machine, what, "QEMU reports a failure"))
        }
    }

    async fn wait_for(
        &self,
        what: &str,
        events: &mut broadcast::Receiver<Event>,
        mut is_it: impl FnMut(&Event) -> bool,
    ) -> Result<(), MachineError> {
        let waiting = async {
            loop {
                match events.recv().await {
                    Ok(event) if is_it(&event) => return Ok(()),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(error) => return Err(refused(&self.machine, what, error)),
                }
            }
        };
        let limit = patient(LIMIT);
        tokio::time::timeout(limit, waiting).await.unwrap_or_else(|_| {
            Err(MachineError::Never { machine: self.machine.clone(), what: what.into(), limit })
        })
    }

    async fn execute<C: qmp::QmpCommand + 'static>(
        &self,
        what: &str,
        command: C,
    ) -> Result<(), MachineError> {
        // In a box: what is inside is too deep for the checks' own futures.
        Box::pin(self.ask(what, command)).await.map(drop)
    }

    async fn ask<C: qmp::QmpCommand + 'static>(&self, what: &str, command: C) -> Result<C::Ok, MachineError> {
        let limit = patient(LIMIT);
        match tokio::time::timeout(limit, self.service.execute(command)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(refused(&self.machine, what, error)),
            Err(_) => Err(MachineError::Never {
                machine: self.machine.clone(),
                what: format!("QEMU to {what}"),
                limit,
            }),
        }
    }
}

fn refused(machine: &str, action: &str, reason: impl std::fmt::Display) -> MachineError {
    MachineError::Refused { machine: machine.into(), action: action.into(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
