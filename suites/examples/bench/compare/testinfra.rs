//! pytest with its plugin testinfra, which asks one machine over SSH.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use harness::lab::{Drives, Stage};
use harness::machine::qemu::{Clock, Vm};
use harness::{Machine, Transcript};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;

use super::other::run;
use super::{COMMANDS, EACH};

const KEY: &str = "/run/comparison/key";

/// Guests have no network, so the server talks through a serial port: to one client, which lets all checks share its
/// connection, as testinfra does anyway.
const SERVER: &str = "stty raw -echo && exec /usr/sbin/sshd -i -o UsePAM=no -o StrictModes=no \
                      -o PermitRootLogin=yes -o AuthorizedKeysFile=/run/comparison/key";

/// How long the server may take to start.
const SERVER_LIMIT: Duration = Duration::from_secs(60);

const PROXY: &str = include_str!("proxy.py");

/// How long one check takes of all that share a machine which is up: pytest's own start and the connection are in it,
/// the machine's boot is not.
pub async fn check(stage: &Stage) -> anyhow::Result<Duration> {
    let place = tempfile::tempdir()?;
    let vm = stage.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await?;
    let took = over_ssh(&vm, place.path()).await;
    vm.kill().await;
    Ok(took? / EACH)
}

async fn over_ssh(vm: &Vm, place: &Path) -> anyhow::Result<Duration> {
    let key = place.join("key");
    let mut keygen = Command::new("ssh-keygen");
    run(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key), "apt-get install openssh-client")
        .await?;
    vm.succeed("mkdir -p /run/sshd /run/comparison").await?;
    vm.write(Path::new(KEY), &fs::read(key.with_extension("pub"))?, 0o600).await?;
    vm.write(Path::new("/run/comparison/server"), SERVER.as_bytes(), 0o700).await?;

    let terminal = vm.take_terminal().await.context("its terminal is taken")?;
    vm.succeed(
        "systemd-run --quiet --property=StandardInput=tty-force --property=StandardOutput=tty \
         --property=StandardError=null --property=TTYPath=/dev/hvc0 sh /run/comparison/server",
    )
    .await?;
    // The server speaks first, and then its port is as raw as it has to be.
    let spoken = tokio::time::timeout(SERVER_LIMIT, terminal.readable()).await;
    spoken.context("the SSH server in the guest said nothing")??;

    let socket = place.join("ssh");
    let relay = tokio::spawn(relay(UnixListener::bind(&socket)?, terminal));
    let file = |name| place.join(name);
    let (config, tests, proxy) = (file("config"), file("test_comparison.py"), file("proxy.py"));
    fs::write(&proxy, PROXY)?;
    fs::write(
        &config,
        format!(
            "Host guest\n  User root\n  IdentityFile {}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  \
             LogLevel ERROR\n  ControlPath {}\n  ProxyCommand python3 {} {}\n",
            key.display(),
            file("control").display(),
            proxy.display(),
            socket.display()
        ),
    )?;
    fs::write(&tests, tests_of(&COMMANDS))?;
    let began = Instant::now();
    let mut pytest = Command::new("pytest");
    pytest.args(["-q", "-p", "no:cacheprovider", "--hosts=ssh://guest"]).current_dir(place);
    pytest.arg(format!("--ssh-config={}", config.display())).arg(&tests);
    let done = run(&mut pytest, "pip install pytest-testinfra").await;
    let took = began.elapsed();
    relay.abort();
    done.map(|()| took)
}

fn tests_of(commands: &[&str]) -> String {
    let test = |(number, command): (usize, &&str)| {
        format!("def test_{number}(host):\n    assert host.run({command:?}).rc == 0\n\n")
    };
    commands.iter().enumerate().map(test).collect()
}

/// One connection: the server ends with it.
async fn relay(listener: UnixListener, mut terminal: UnixStream) -> std::io::Result<()> {
    let (mut client, _) = listener.accept().await?;
    tokio::io::copy_bidirectional(&mut client, &mut terminal).await?;
    Ok(())
}
