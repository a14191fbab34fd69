//! Word from a guest that a command is about to end.

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::watch;

/// What the port is called in the guest.
pub const PORT: &str = "assay.ends";

/// This shell command, saying when it ends, so that the agent is asked then and not again and again before. A shell
/// that says nothing (it was killed, or has become another program) costs time, and so does one that says it too
/// often: whether a command has ended, the agent alone tells.
pub fn saying(command: &str) -> String {
    let port = format!("/dev/virtio-ports/{PORT}");
    format!("trap 'test -c {port} && {{ echo >{port}; }} 2>/dev/null' EXIT; {command}")
}

/// Hears it.
pub struct Ends(watch::Receiver<()>);

impl Ends {
    pub fn listen(mut stream: UnixStream) -> Ends {
        let (heard, ends) = watch::channel(());
        tokio::spawn(async move {
            let mut said = [0; 64];
            while stream.read(&mut said).await.is_ok_and(|length| length > 0) && heard.send(()).is_ok() {}
        });
        Ends(ends)
    }

    /// What is said from now on.
    pub fn anew(&self) -> Ends {
        let mut ends = self.0.clone();
        ends.mark_unchanged();
        Ends(ends)
    }

    /// Waits for the next that is said, for ever if that cannot be heard any more.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}
