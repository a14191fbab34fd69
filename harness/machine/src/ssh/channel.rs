//! Streams to sockets of the machine.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openssh::{ForwardType, Session, Socket, Stdio};
use record::MachineError;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use super::connection::{Connection, as_root};
use crate::qemu::Peer;
use crate::quoted;

/// How long somebody may take to listen, and the process that joins to start.
const JOIN_LIMIT: Duration = Duration::from_secs(40);

/// What a process that joins says when it has.
const JOINED: &[u8] = b"joined\n";

/// The most that is told of what keeps one from joining, in bytes.
const REASON_LIMIT: u64 = 1 << 10;

const BRIDGE: &str = include_str!("bridge.sh");
const IN_PERL: &str = include_str!("bridge.pl");
const IN_PYTHON: &str = include_str!("bridge.py");

impl Connection {
    /// A stream to a socket of the machine, whose client there is a process of this user's.
    pub(super) async fn connect(
        &self,
        mark: &str,
        address: &str,
        user: Peer<'_>,
    ) -> Result<UnixStream, MachineError> {
        let action = format!("connect to {address} as {}", user.name);
        let (kind, place) = match address.split_once(':') {
            Some((kind @ ("unix" | "tcp"), place)) => (kind, place),
            _ => return Err(self.refused(&action, "it is neither unix:PATH nor tcp:PORT")),
        };
        let joining = async {
            if user.id == self.greeting.user {
                return self.forwarded(mark, &action, (kind, place)).await;
            }
            self.bridged(mark, &action, (kind, place), user).await
        };
        self.life.during(joining).await
    }

    /// By the server itself: what connects there is a process of whoever has logged in.
    async fn forwarded(
        &self,
        mark: &str,
        action: &str,
        (kind, place): (&str, &str),
    ) -> Result<UnixStream, MachineError> {
        let to = match kind {
            "unix" => {
                let file = quoted(place);
                // As elsewhere, a socket at which nobody listens yet is waited for.
                let there = format!("timeout 20 sh -c 'until [ -S \"$0\" ]; do sleep 0.1; done' {file}");
                if !self.exec(mark, &there, b"", JOIN_LIMIT).await?.success() {
                    return Err(self.refused(action, "there is no such socket"));
                }
                Socket::from(Path::new(place))
            }
            _ => {
                let port = place.parse().map_err(|_| self.refused(action, "that is no port"))?;
                Socket::new("127.0.0.1", port)
            }
        };
        let mut forwards = self.forwards.lock().await;
        let address = format!("{kind}:{place}");
        let socket = match forwards.get(&address) {
            Some(socket) => socket.clone(),
            None => {
                let socket = self.next_socket();
                let asked = self.session.request_port_forward(ForwardType::Local, &*socket, to).await;
                asked.map_err(|error| self.failed(action, &error))?;
                forwards.insert(address, socket.clone());
                socket
            }
        };
        UnixStream::connect(&socket).await.map_err(|error| self.refused(action, error))
    }

    fn next_socket(&self) -> PathBuf {
        static SOCKETS: AtomicU64 = AtomicU64::new(0);
        self.place.path(&SOCKETS.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// By a process of the user's.
    async fn bridged(
        &self,
        mark: &str,
        action: &str,
        (kind, place): (&str, &str),
        user: Peer<'_>,
    ) -> Result<UnixStream, MachineError> {
        let (id, place) = (user.id.to_string(), quoted(place));
        let (perl, python) = (quoted(IN_PERL), quoted(IN_PYTHON));
        let script = as_root(BRIDGE, &[&quoted(mark), &id, kind, &place, &perl, &python]);
        let failed = |error: std::io::Error| self.refused(action, error);
        let (ours, theirs) = StdStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let mut ours = UnixStream::from_std(ours).map_err(failed)?;
        let output = theirs.try_clone().map_err(failed)?;
        let mut command = Session::to_raw_command(self.session.clone(), script);
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(Stdio::from(OwnedFd::from(output))).stderr(Stdio::piped());
        let mut child = command.spawn().await.map_err(|error| self.failed(action, &error))?;
        // Kept in this process too, it would hold the stream open when the other end is gone.
        drop(command);
        let said = child.stderr().take();

        let mut greeting = [0; JOINED.len()];
        let joined = tokio::time::timeout(JOIN_LIMIT, ours.read_exact(&mut greeting)).await;
        match joined {
            Ok(Ok(_)) if greeting == JOINED => {}
            Ok(_) => {
                let mut reason = String::new();
                if let Some(said) = said {
                    let reading = async { said.take(REASON_LIMIT).read_to_string(&mut reason).await };
                    let _ = tokio::time::timeout(JOIN_LIMIT, reading).await;
                }
                return Err(self.refused(action, reason.trim()));
            }
            Err(_) => {
                let (machine, what) = (self.host.clone(), format!("a process to {action}"));
                return Err(MachineError::Never { machine, what, limit: JOIN_LIMIT });
            }
        }
        // The session is there for as long as somebody waits for its end.
        tokio::spawn(async move {
            let _ = child.wait().await;
        });
        Ok(ours)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use rstest::rstest;
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixListener;

    use super::*;

    /// Of Debian's packages it is perl-base that is everywhere.
    #[test]
    fn of_perl_it_takes_what_its_smallest_package_has() {
        let used: Vec<&str> = IN_PERL.lines().filter_map(|line| line.strip_prefix("use ")).collect();
        assert_eq!(used, ["strict;", "Errno;", "Socket;"]);
        assert!(!IN_PERL.contains("require"));
    }

    #[rstest]
    #[case::in_perl(["perl", "-e", IN_PERL])]
    #[case::in_python(["python3", "-c", IN_PYTHON])]
    #[tokio::test]
    async fn a_process_joins_when_somebody_listens_and_ends_with_either_end(#[case] bridge: [&str; 3]) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("socket");
        let [program, option, script] = bridge;
        let mut command = tokio::process::Command::new(program);
        command.args([option, script, "unix"]).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = match command.kill_on_drop(true).spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: there is no {program}");
                return;
            }
            child => child.unwrap(),
        };
        let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        tokio::time::sleep(Duration::from_millis(300)).await;
        let listener = UnixListener::bind(&path).unwrap();
        let (mut served, _) = listener.accept().await.unwrap();
        let much = vec![7; 1 << 20];
        let mut joined = [0; JOINED.len()];
        from.read_exact(&mut joined).await.unwrap();
        assert_eq!(joined, JOINED);
        let (mut there, mut back) = (vec![0; much.len()], vec![0; much.len()]);
        let sent = async { tokio::try_join!(to.write_all(&much), served.read_exact(&mut there)) };
        sent.await.unwrap();
        let sent = async { tokio::try_join!(served.write_all(&much), from.read_exact(&mut back)) };
        sent.await.unwrap();
        assert!(there == much && back == much);
        drop(served);
        assert_eq!(from.read(&mut [0]).await.unwrap(), 0);
        assert!(child.wait().await.unwrap().success());
    }
}
