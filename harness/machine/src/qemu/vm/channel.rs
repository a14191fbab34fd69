//! Byte channels to sockets of the guest, plugged in while it runs.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use record::MachineError;
use tokio::net::{UnixListener, UnixStream};

use super::Vm;
use super::resident::word;
use crate::patience::patient;
use crate::qemu::monitor::CHANNEL;

/// How long QEMU may take to connect its end.
const LIMIT: Duration = Duration::from_secs(30);

/// How long the resident may take to join its end to the socket: several times what it gives itself in the guest.
const JOIN_LIMIT: Duration = Duration::from_secs(180);

/// A user of the guest's, as whom somebody is spoken to.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'p> {
    pub name: &'p str,
    pub id: u32,
}

pub const ROOT: Peer<'_> = Peer { name: "root", id: 0 };

impl Vm {
    /// A stream to a socket of the guest, `unix:PATH` or `tcp:PORT` of its loopback, whose client there is a process
    /// of this user's. It ends when either end does.
    pub async fn connect(&self, address: &str, user: Peer<'_>) -> Result<UnixStream, MachineError> {
        let connecting = self.life.during(self.try_connect(address, user));
        self.recorded(format!("connect to {address} as {}", user.name), connecting).await
    }

    async fn try_connect(&self, address: &str, user: Peer<'_>) -> Result<UnixStream, MachineError> {
        let mut channels = self.channels.lock().await;
        self.monitor.unplug_ended_channels().await?;
        *channels += 1;
        let name = format!("{CHANNEL}{channels}");
        let stream = self.plug_channel(&name).await?;
        self.ask(&format!("channel {name} {} {}", user.id, word(address)), JOIN_LIMIT).await?;
        Ok(stream)
    }

    /// Has QEMU connect to a socket that only this process listens at, and be the other end of a port of the guest's.
    async fn plug_channel(&self, name: &str) -> Result<UnixStream, MachineError> {
        let failed = |error: io::Error| self.refused("listen for QEMU", error);
        // Machines of two labs have the same names.
        static SOCKETS: AtomicU64 = AtomicU64::new(0);
        let number = SOCKETS.fetch_add(1, Ordering::Relaxed);
        let socket = format!("assay-{}-{number}-{}-{name}", std::process::id(), self.name);
        let listener = listen(&socket).map_err(failed)?;
        self.monitor.plug_channel(name, &socket).await?;
        let accepted = tokio::time::timeout(patient(LIMIT), listener.accept()).await;
        let (stream, _) = accepted.map_err(|_| self.never("QEMU to connect", LIMIT))?.map_err(failed)?;
        // Anybody on this host can connect to a name without a file.
        let peer = stream.peer_cred().map_err(failed)?.pid();
        if peer == i32::try_from(self.process_id().await).ok() {
            return Ok(stream);
        }
        Err(self.refused("connect to QEMU", "another process took its place"))
    }
}

/// A socket whose name is in no file system.
fn listen(name: &str) -> io::Result<UnixListener> {
    let listener = StdListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}
