//! `assay shell`: a terminal in a fork.

use std::any::Any;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lab::Drives;
use machine::Machine;
use machine::qemu::{Clock, Vm};
use record::event::Listener;
use record::{MachineKind, Stop, Transcript, secret};
use report::{Purpose, Terminal};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::arguments::Shell;
use super::failure::Failure;
use super::run::interrupted;
use super::session::Session;
use crate::{Furniture, Suite, Trial};

/// Ctrl-] leaves, as it does in telnet and virsh.
const LEAVE: u8 = 0x1d;

/// The longest that a shell or a script may go on.
const SESSION_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// Opens a shell in a fork of the target and stays until it ends. What is piped in is run as a script.
pub async fn shell(options: Shell, catalogue: &'static [Suite]) -> Result<u8, Failure> {
    let session = Session::open(&options.subject, catalogue)?;
    if !matches!(session.machine(), MachineKind::Vm | MachineKind::Image) {
        return Err(Failure::usage(
            "a shell is opened in a virtual machine: say --machine vm or image:FILE, or leave --machine out",
        ));
    }
    let stage = session.stage(options.stage.as_deref())?;
    // Plain lines: a live display would go on drawing over the shell.
    let listener: Arc<dyn Listener> = Arc::new(Terminal::plain(Box::new(std::io::stderr()), Purpose::Run));
    let lab = session.prepare(&listener).await?;
    let broken = |error| Failure::broken("open a shell", error);
    let stage = lab.stage(stage.as_deref()).map_err(broken)?;
    let vm = stage.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await.map_err(broken)?;
    let by_hand = Trial::by_hand(Arc::new(lab.clone()));
    let _furniture = furnished(&session.agenda.suites, &by_hand, &vm).await?;
    let done = if std::io::stdin().is_terminal() { interactive(&vm).await } else { script(&vm).await };
    vm.kill().await;
    done.map(|()| 0)
}

/// Has in the machine what the suites put there, for as long as the shell is there. What this host cannot have is told.
async fn furnished(suites: &[Suite], by_hand: &Trial, vm: &Vm) -> Result<Vec<Box<dyn Any + Send>>, Failure> {
    let mut all = Vec::new();
    for furnish in suites.iter().filter_map(Suite::furnish) {
        match furnish(by_hand, vm).await {
            Ok(Furniture { said, kept }) => {
                eprintln!("{said}");
                all.push(kept);
            }
            Err(Stop::Skipped(reason)) => eprintln!("{reason}"),
            Err(Stop::Broken(reason)) => return Err(Failure::broken("open a shell", reason)),
            Err(Stop::Violated(found)) => return Err(Failure::broken("open a shell", found.observed)),
        }
    }
    Ok(all)
}

async fn interactive(vm: &Vm) -> Result<(), Failure> {
    let terminal = vm.take_terminal().await;
    let terminal = terminal.ok_or_else(|| Failure::broken("open a shell", "its terminal is taken"))?;
    let start = format!("{}systemctl start assay-shell.service", window_size());
    vm.succeed(&start).await.map_err(|error| Failure::broken("open a shell", error))?;
    eprintln!("A shell in {}, a fork. Nothing you do here lasts. Ctrl-] leaves.", vm.name());

    let _raw = RawMode::enter();
    let done = tokio::select! {
        done = relay(terminal) => done.map_err(|error| Failure::broken("relay the terminal", error)),
        () = logged_out(vm) => Ok(()),
        // Ended by default, the terminal would stay raw.
        () = interrupted() => Ok(()),
    };
    eprint!("\r\n");
    done
}

/// Runs standard input as a shell script, to its end.
async fn script(vm: &Vm) -> Result<(), Failure> {
    let mut script = Vec::new();
    let read = tokio::io::stdin().read_to_end(&mut script).await;
    read.map_err(|error| Failure::broken("read the script", error))?;
    let ran = async {
        vm.write(Path::new(SCRIPT), &script, 0o700).await?;
        vm.run_within(&format!("sh {SCRIPT}"), SESSION_LIMIT).await
    };
    let output = ran.await.map_err(|error| Failure::broken("run the script", error))?;
    let printed = std::io::stdout().write_all(&secret::hide_in_bytes(&output.stdout));
    let printed = printed.and_then(|()| std::io::stderr().write_all(&secret::hide_in_bytes(&output.stderr)));
    printed.map_err(|error| Failure::broken("print what the script printed", error))?;
    if output.success() {
        return Ok(());
    }
    Err(Failure::broken("be content with the script", output.status.to_string()))
}

/// Where a piped script is put.
const SCRIPT: &str = "/run/assay-script";

/// Copies both ways until the user leaves or the machine is gone.
async fn relay(terminal: UnixStream) -> std::io::Result<()> {
    let (mut from_guest, mut to_guest) = terminal.into_split();
    let output = async {
        // What the guest prints is for the user's terminal to interpret: that is what a shell is.
        let (mut stdout, mut stream) = (tokio::io::stdout(), secret::Stream::default());
        let mut buffer = [0; 4096];
        loop {
            let length = from_guest.read(&mut buffer).await?;
            let mut shown = Vec::new();
            stream.push(&buffer[..length], &mut shown);
            // Whoever types wants to see it.
            stream.flush(&mut shown);
            stdout.write_all(&shown).await?;
            stdout.flush().await?;
            if length == 0 {
                return Ok(());
            }
        }
    };
    let input = async {
        let mut stdin = tokio::io::stdin();
        let mut buffer = [0; 1024];
        loop {
            let length = stdin.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
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
    // systemd says 0 for what has ended, which `tail` would wait for forever.
    let watch = "pid=$(systemctl show -P MainPID assay-shell.service); \
                 test \"$pid\" = 0 || tail --pid=\"$pid\" --follow /dev/null";
    let _ = vm.run_within(watch, SESSION_LIMIT).await;
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
    fn enter() -> Option<RawMode> {
        let stdin = std::io::stdin();
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
