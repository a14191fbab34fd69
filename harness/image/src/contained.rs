use tokio::process::Command;

/// A shell script in namespaces of its own, as root of a user namespace where the user is not root.
/// `setpriv` ends it with this process, `unshare` everything below with it: processes and mounts.
pub(super) fn contained(script: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]);
    command.args(["--kill-child", "--mount-proc"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--map-root-user", "--map-auto"]);
    }
    command.args(["sh", "-c", script]);
    command
}
