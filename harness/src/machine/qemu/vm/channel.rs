//! Byte channels to sockets of the guest, plugged in while it runs.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use super::Vm;
use crate::machine::qemu::monitor::CHANNEL;
use crate::machine::quoted;
use crate::{Machine, MachineError};

/// How long QEMU may take to connect its end.
const LIMIT: Duration = Duration::from_secs(30);

impl Vm {
    /// A stream to a socket of the guest, `unix:PATH` or `tcp:PORT` of its loopback, whose client there is a process
    /// of root's. It ends when either end does.
    pub async fn connect(&self, address: &str) -> Result<UnixStream, MachineError> {
        self.recorded(format!("connect to {address}"), self.life.during(self.try_connect(address))).await
    }

    async fn try_connect(&self, address: &str) -> Result<UnixStream, MachineError> {
        let mut channels = self.channels.lock().await;
        self.monitor.unplug_ended_channels().await?;
        *channels += 1;
        let name = format!("{CHANNEL}{channels}");
        let stream = self.plug_channel(&name).await?;
        let join = format!(
            "udevadm wait --timeout=20 /dev/virtio-ports/{name} && /usr/lib/assay/join {name} {}",
            quoted(address)
        );
        self.succeed(&join).await?;
        Ok(stream)
    }

    /// Has QEMU connect to a socket that only this process listens at, and be the other end of a port of the guest's.
    async fn plug_channel(&self, name: &str) -> Result<UnixStream, MachineError> {
        let failed = |error: io::Error| self.refused("listen for QEMU", error);
        let socket = format!("assay-{}-{}-{name}", std::process::id(), self.name);
        let listener = listen(&socket).map_err(failed)?;
        self.monitor.plug_channel(name, &socket).await?;
        let accepted = tokio::time::timeout(LIMIT, listener.accept()).await;
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
