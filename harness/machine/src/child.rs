//! Processes that end with the harness, however it ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::process::Child;
use tokio::sync::oneshot;

/// Starts a process. Dropping the child kills it.
pub async fn spawn(mut command: Command) -> io::Result<Child> {
    die_with_the_harness(&mut command);
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    in_nursery(command).await
}

/// Has the kernel kill the child when the harness dies, however it dies.
fn die_with_the_harness(command: &mut Command) {
    let harness = rustix::process::getpid();
    // SAFETY: both calls are plain system calls, allowed between fork and exec.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // The harness may have died before the line above took effect.
            if rustix::process::getppid() != Some(harness) {
                return Err(io::Error::other("the harness is gone"));
            }
            Ok(())
        });
    }
}

type Birth = (tokio::process::Command, tokio::runtime::Handle, oneshot::Sender<io::Result<Child>>);

/// Starts the command from a thread that lives as long as the harness: the kernel sends the death
/// signal when the *thread* that forked ends, and threads of the runtime come and go.
async fn in_nursery(command: tokio::process::Command) -> io::Result<Child> {
    static NURSERY: OnceLock<mpsc::Sender<Birth>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, births) = mpsc::channel::<Birth>();
        std::thread::spawn(move || {
            for (mut command, runtime, born) in births {
                let _context = runtime.enter();
                // A runtime that is shutting down starts nothing, and says so by a panic. If that ended this
                // thread, the machines of every other runtime would die with it.
                if let Ok(child) = catch_unwind(AssertUnwindSafe(|| command.spawn())) {
                    let _ = born.send(child);
                }
            }
        });
        sender
    });
    let (born, birth) = oneshot::channel();
    let closed = |_| io::Error::other("the thread that starts processes is gone");
    nursery.send((command, tokio::runtime::Handle::current(), born)).map_err(|_| closed(()))?;
    birth.await.map_err(|_| closed(()))?
}
