//! A server of a test's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use harness::machine::ssh::{Connection, Login, Ssh};
use harness::{Machine, MachineError, Transcript};
use tempfile::TempDir;

/// Debian keeps it where only root's PATH leads.
const PLACES: [&str; 3] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];

/// A configuration of the client that has the server as `machine`, which begins with each connection and ends with it.
pub struct Server {
    directory: TempDir,
}

impl Server {
    /// Nothing where there is no server to start, which `ci/bootstrap` installs.
    pub fn new() -> Option<Server> {
        Server::with("")
    }

    /// With more lines of its configuration.
    pub fn with(lines: &str) -> Option<Server> {
        let Some(sshd) = PLACES.into_iter().find(|path| Path::new(path).exists()) else {
            eprintln!("skipped: there is no sshd; `ci/bootstrap just test` installs it");
            return None;
        };
        // As root it wants this place, which is empty, and which a system makes for its own.
        let _ = fs::create_dir("/run/sshd");
        let server = Server { directory: tempfile::tempdir().unwrap() };
        for key in ["host", "user", "other"] {
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"]).arg(server.path(key));
            assert!(make.status().unwrap().success());
        }
        fs::copy(server.path("user.pub"), server.path("authorized")).unwrap();
        let public = fs::read_to_string(server.path("host.pub")).unwrap();
        fs::write(server.path("known"), format!("machine {public}")).unwrap();
        let here = server.directory.path().display();
        // Nobody has to be allowed to become root for these tests.
        if !rustix::process::getuid().is_root() {
            server.stand_in("sudo", "shift 2; exec \"$@\"");
        }
        server.configure_server(lines);
        server.configure("machine", &format!("ProxyCommand {sshd} -i -f {here}/sshd_config"));
        Some(server)
    }

    /// A program in its directory of programs.
    pub fn stand_in(&self, name: &str, script: &str) {
        let path = self.path("programs").join(name);
        fs::create_dir_all(self.path("programs")).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    /// Has each connection begin in a namespace of its own with this command.
    pub fn wrap(&self, command: &str) {
        let here = self.directory.path().display().to_string();
        let script = format!("#!/bin/sh\n{}\nexec \"$@\"\n", command.replace("{here}", &here));
        fs::write(self.path("wrapper"), script).unwrap();
        let config = fs::read_to_string(self.path("config")).unwrap();
        let wrapped =
            config.replace("ProxyCommand ", &format!("ProxyCommand unshare --mount sh {here}/wrapper "));
        fs::write(self.path("config"), wrapped).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Has the server be so, whose users have the stand-ins.
    pub fn configure_server(&self, lines: &str) {
        let here = self.directory.path().display();
        let config = format!(
            "HostKey {here}/host\nAuthorizedKeysFile {here}/authorized\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             LogLevel QUIET\nSetEnv PATH={here}/programs:/usr/bin:/bin\n{lines}\n"
        );
        fs::write(self.path("sshd_config"), config).unwrap();
    }

    /// Has the client know a host so, besides those that it knows.
    pub fn configure(&self, host: &str, lines: &str) {
        let here = self.directory.path().display();
        let before = fs::read_to_string(self.path("config")).unwrap_or_default();
        let config = format!(
            "Host {host}\nHostName 127.0.0.1\nHostKeyAlias machine\nIdentityFile {here}/user\nIdentitiesOnly yes\n\
             IdentityAgent none\nUserKnownHostsFile {here}/known\nGlobalKnownHostsFile none\n{lines}\n"
        );
        fs::write(self.path("config"), before + &config).unwrap();
    }

    pub fn login(&self, host: &str) -> Login {
        Login { host: host.to_owned(), config: Some(self.path("config")) }
    }

    pub async fn connect(&self) -> Arc<Connection> {
        Arc::new(Connection::open(&self.login("machine")).await.unwrap())
    }

    pub async fn machine(&self) -> Ssh {
        Ssh::over(&self.connect().await, &Transcript::default())
    }

    /// What a connection ends with that does not come about.
    pub async fn refusal(&self, host: &str) -> String {
        match Connection::open(&self.login(host)).await {
            Ok(_) => panic!("it lets somebody in"),
            Err(error @ MachineError::NotReached { .. }) => error.to_string(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Ends the server that a machine is connected to, which is above whatever it runs.
pub async fn kill_server(machine: &Ssh) {
    let climb = "process=$$; while [ \"$process\" -gt 1 ]; do
                     read -r _ name _ above _ </proc/$process/stat
                     [ \"$name\" != '(sshd)' ] || servers=\"$servers $process\"
                     process=$above
                 done; kill -KILL $servers";
    let lost = machine.run(climb).await.unwrap_err();
    assert!(matches!(lost, MachineError::Gone { .. }), "{lost}");
}

/// Whether a process of this host has this in its command line.
pub fn runs(word: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).split('\0').any(|argument| argument == word))
}

/// Waits for what nothing announces.
pub async fn eventually(what: &str, there: impl Fn() -> bool) {
    let waiting = async {
        while !there() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// Whether a test runs that only root can, which may do this.
pub fn is_root_for(what: &str) -> bool {
    let is_root = rustix::process::getuid().is_root();
    if !is_root {
        eprintln!("skipped: only root {what}");
    }
    is_root
}
