//! `assay shell`: a terminal in a fork.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::arguments::Shell;
use super::failure::Failure;
use super::run::interrupted;
use super::session::Session;
use crate::event::Listener;
use crate::lab::Drives;
use crate::machine::qemu::Vm;
use crate::report::{Purpose, Terminal};
use crate::{Machine, Transcript};

/// Ctrl-] leaves, as it does in telnet and virsh.
const LEAVE: u8 = 0x1d;

/// How often the guest is asked whether its shell has ended.
const LOGOUT_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// Opens a shell in a fork of the target and stays until it ends.
pub async fn shell(options: Shell) -> Result<u8, Failure> {
    let session = Session::open(&options.subject)?;
    let listener: Arc<dyn Listener> = Arc::new(Terminal::stderr(Purpose::Run));
    let lab = session.prepare(&listener).await?;
    let broken = |error| Failure::broken("open a shell", error);
    let vm = lab.fork(Drives::Plugged, &Transcript::default()).await.map_err(broken)?;
    let terminal = vm.take_terminal().await;
    let terminal = terminal.ok_or_else(|| Failure::broken("open a shell", "its terminal is taken"))?;

    vm.succeed(&format!("{}systemctl start assay-shell.service", window_size())).await.map_err(broken)?;
    eprintln!("A shell in a fork of {}. Nothing you do here lasts. Ctrl-] leaves.\r", lab.target());

    let raw = RawMode::enter();
    let done = tokio::select! {
        done = relay(terminal) => done.map_err(|error| Failure::broken("relay the terminal", error)),
        () = logged_out(&vm) => Ok(()),
        // Ended by default, the terminal would stay raw.
        () = interrupted() => Ok(()),
    };
    drop(raw);
    eprintln!();
    vm.kill().await;
    done.map(|()| 0)
}

/// Copies both ways until the user leaves or the machine is gone.
async fn relay(terminal: UnixStream) -> std::io::Result<()> {
    let (mut from_guest, mut to_guest) = terminal.into_split();
    let output = async {
        // What the guest prints is for the user's terminal to interpret: that is what a shell is.
        tokio::io::copy(&mut from_guest, &mut tokio::io::stdout()).await.map(drop)
    };
    let input = async {
        let mut stdin = tokio::io::stdin();
        let mut buffer = [0; 1024];
        loop {
            let length = stdin.read(&mut buffer).await?;
            if length == 0 {
                // A script has ended: its last command's output is still to come, and then its logout.
                return std::future::pending().await;
            }
            if buffer[..length].contains(&LEAVE) {
                return Ok(());
            }
            to_guest.write_all(&buffer[..length]).await?;
        }
    };
    tokio::select! { done = output => done, done = input => done }
}

/// Waits until the shell in the guest has ended, or the machine.
async fn logged_out(vm: &Vm) {
    let watch = "while systemctl is-active --quiet assay-shell.service; do sleep 1; done";
    let _ = vm.run_within(watch, LOGOUT_LIMIT).await;
}

/// Tells the guest's terminal how large the user's is.
fn window_size() -> String {
    match tcgetwinsize(std::io::stdout().as_fd()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => {
            format!("stty -F /dev/hvc0 rows {} cols {}; ", size.ws_row, size.ws_col)
        }
        _ => String::new(),
    }
}

/// Every key goes to the guest while this lives.
struct RawMode(Termios);

impl RawMode {
    /// Nothing is changed when standard input is no terminal.
    fn enter() -> Option<RawMode> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(stdin.as_fd()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin.as_fd(), OptionalActions::Flush, &raw).ok()?;
        Some(RawMode(before))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Flush, &self.0);
    }
}
