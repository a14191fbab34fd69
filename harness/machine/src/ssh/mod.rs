//! Machines that are somebody's own, over SSH: nothing but what a check does there changes, and what was started there
//! ends with it.

mod channel;
mod connection;
mod exec;
mod place;

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{BoxFuture, Either, select};
use record::{MachineError, Output, Start, Transcript};
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

pub use connection::{Connection, Login};

use crate::life::{Life, during};
use crate::qemu::{Peer, ROOT};
use crate::{COMMAND_LIMIT, Machine, Systemd, quoted, reading, successful};

/// Where D-Bus has the system's bus everywhere.
const SYSTEM_BUS: &str = "unix:/run/dbus/system_bus_socket";

/// A machine at the other end of a connection, for one check.
pub struct Ssh {
    connection: Arc<Connection>,
    transcript: Transcript,
    /// What all processes that are started for it have in their environment.
    mark: String,
    /// Its own end, which is not the machine's.
    life: Life,
    began: Duration,
    systemd: OnceCell<Systemd>,
}

impl Ssh {
    pub fn over(connection: &Arc<Connection>, transcript: &Transcript) -> Ssh {
        let number = connection.machines.fetch_add(1, Ordering::Relaxed);
        // A check may have it several times.
        if !transcript.machines().iter().any(|known| known.machine == connection.host) {
            transcript.began(&connection.host, Start::Elsewhere);
        }
        Ssh {
            connection: connection.clone(),
            transcript: transcript.clone(),
            mark: format!("{}{number}.", connection.mark),
            life: Life::new(&connection.host),
            began: connection.greeting.time + connection.greeted.elapsed(),
            systemd: OnceCell::new(),
        }
    }

    async fn exec(&self, command: &str, input: &[u8], limit: Duration) -> Result<Output, MachineError> {
        self.life.during(self.connection.exec(&self.mark, command, input, limit)).await
    }

    /// The end of this or of the connection, whichever comes first.
    async fn over_or_lost(&self) -> MachineError {
        match select(pin!(self.life.over()), pin!(self.connection.lost())).await {
            Either::Left((error, _)) | Either::Right((error, _)) => error,
        }
    }
}

#[async_trait]
impl Machine for Ssh {
    fn name(&self) -> &str {
        &self.connection.host
    }

    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn began(&self) -> Duration {
        self.began
    }

    async fn run_within(&self, command: &str, limit: Duration) -> Result<Output, MachineError> {
        self.transcript.ran(self.name(), command, self.exec(command, b"", limit)).await
    }

    async fn read(&self, path: &Path) -> Result<Vec<u8>, MachineError> {
        let command = reading(path);
        let reading =
            async { successful(self.name(), &command, self.exec(&command, b"", COMMAND_LIMIT).await?) };
        Ok(self.transcript.noted(self.name(), &format!("read {}", path.display()), reading).await?.stdout)
    }

    async fn write(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        let command = writing(path, mode);
        let writing =
            async { successful(self.name(), &command, self.exec(&command, content, COMMAND_LIMIT).await?) };
        self.transcript.noted(self.name(), &format!("write {}", path.display()), writing).await.map(drop)
    }

    /// The leash removes it, in a directory that only root can change.
    async fn bring(&self, name: &str, program: &[u8]) -> Result<PathBuf, MachineError> {
        // Each check's own: what one runs another cannot write.
        let all = format!("/tmp/assay-{}", self.connection.mark);
        let own = format!("{all}/{}", self.mark);
        let path = Path::new(&own).join(name);
        let file = quoted(&path.to_string_lossy());
        // Others who may write to /tmp may have made a directory of that name.
        let command = format!(
            "umask 022; mkdir {all} 2>/dev/null || {{ [ ! -L {all} ] && [ -O {all} ]; }} && \
             mkdir -p {own} && cat >{file} && chmod 0755 {file}"
        );
        let bringing =
            async { successful(self.name(), &command, self.exec(&command, program, COMMAND_LIMIT).await?) };
        self.transcript.noted(self.name(), &format!("bring {name}"), bringing).await?;
        Ok(path)
    }

    async fn uptime(&self) -> Result<Duration, MachineError> {
        let command = "cut -d ' ' -f 1 /proc/uptime";
        let told = successful(self.name(), command, self.exec(command, b"", COMMAND_LIMIT).await?)?.text();
        let seconds = told.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        seconds
            .ok_or_else(|| MachineError::refused(self.name(), "tell its uptime", format!("it says {told:?}")))
    }

    async fn connect(&self, address: &str, user: Peer<'_>) -> Result<UnixStream, MachineError> {
        let action = format!("connect to {address} as {}", user.name);
        let connecting = self.life.during(self.connection.connect(&self.mark, address, user));
        self.transcript.noted(self.name(), &action, connecting).await
    }

    async fn systemd(&self) -> Result<&Systemd, MachineError> {
        let connecting = async {
            let stream = self.connect(SYSTEM_BUS, ROOT).await?;
            during(self.over_or_lost(), Systemd::connect(self.name(), stream)).await
        };
        self.systemd.get_or_try_init(|| connecting).await
    }

    async fn end(&self) {
        if self.life.is_over() {
            return;
        }
        self.life.end("it was ended".to_owned());
        // Whatever stays after that the connection tells at its own end.
        let _ = self.connection.sweep(&self.mark).await;
        self.transcript.ended(self.name());
    }

    fn is_over(&self) -> bool {
        self.life.is_over() || self.connection.is_lost()
    }

    fn death(&self) -> BoxFuture<'_, MachineError> {
        Box::pin(self.over_or_lost())
    }
}

/// The shell command that writes its standard input to a file, making the directories above it. What cannot be written
/// whole is not there at all, and a file that is replaced keeps its owner.
fn writing(path: &Path, mode: u32) -> String {
    let file = quoted(&path.to_string_lossy());
    format!(
        "umask 022 && file=$(readlink -m -- {file}) && mkdir -p -- \"$(dirname -- \"$file\")\" || exit
new=$(mktemp -- \"$file.XXXXXX\") || exit
trap 'rm -f -- \"$new\"' EXIT
trap 'exit 1' TERM
cat >\"$new\" && chmod {mode:04o} -- \"$new\" || exit
[ ! -e \"$file\" ] || chown --reference=\"$file\" -- \"$new\" || exit
mv -f -T -- \"$new\" \"$file\""
    )
}
