//! A connection is a machine, with the bounds of all others, and leaves nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::machine::bus::{BUS, Bus};
use harness::machine::qemu::{Peer, ROOT};
use harness::machine::ssh::Ssh;
use harness::{Machine, MachineError, Need, Status};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use crate::server::{Server, eventually, is_root_for, kill_server, runs};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_a_machine() {
    let Some(server) = Server::new() else { return };
    let machine = server.machine().await;
    let ran = machine.run("pwd; umask; echo complaint >&2; exit 7").await.unwrap();
    assert_eq!((ran.status, ran.text().as_str()), (Status::Exit(7), "/\n0022"));
    assert_eq!(ran.stderr, b"complaint\n");
    // Those that ssh and the crate have a meaning of their own for.
    for status in [126, 127, 255] {
        let ran = machine.run(&format!("echo 'it'\"'\"'s \\\\ ! $HOME'; exit {status}")).await.unwrap();
        assert_eq!((ran.status, ran.text().as_str()), (Status::Exit(status), "it's \\ ! $HOME"));
    }
    assert_eq!(machine.run("kill -KILL $$").await.unwrap().status, Status::Exit(137));

    let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a directory/it's a file");
    machine.write(&file, &content, 0o640).await.unwrap();
    assert!(machine.read(&file).await.unwrap() == content);
    machine.write(&file, b"", 0o600).await.unwrap();
    assert_eq!(machine.read(&file).await.unwrap(), b"");
    let seen = format!("cd {} && stat --format='%a %n' */*", place.path().display());
    assert_eq!(machine.succeed(&seen).await.unwrap(), "600 a directory/it's a file");
    let missing = machine.read(Path::new("/nowhere")).await.unwrap_err();
    assert!(missing.to_string().contains("No such file"), "{missing}");

    let before = machine.uptime().await.unwrap();
    assert!(machine.lapse(Duration::from_millis(50)).await.unwrap() >= before);
    let hours = machine.lapse(Duration::from_secs(3600)).await.unwrap_err();
    assert!(matches!(hours, MachineError::Lacks { need: Need::Lapse, .. }), "{hours}");
    machine.end().await;
    assert!(matches!(machine.run("true").await.unwrap_err(), MachineError::Gone { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_prints_and_how_long_it_takes_is_bounded() {
    let Some(server) = Server::new() else { return };
    let machine = server.machine().await;
    let all = machine.run("head -c 16777216 /dev/zero").await.unwrap();
    assert_eq!(all.stdout.len(), 16 << 20);
    for flood in ["yes", "yes >&2"] {
        let flood = machine.run(flood).await.unwrap_err();
        assert!(flood.to_string().contains("it printed more than 16 MiB"), "{flood}");
    }
    let flood = machine.read(Path::new("/dev/zero")).await.unwrap_err();
    assert!(flood.to_string().contains("it printed more than 16 MiB"), "{flood}");

    let began = Instant::now();
    let limit = Duration::from_millis(300);
    let never = machine.run_within("trap '' HUP TERM; sleep 4711.25 & wait", limit).await.unwrap_err();
    assert!(matches!(never, MachineError::Never { .. }), "{never}");
    assert!(began.elapsed() < Duration::from_secs(10));
    machine.end().await;
    assert!(!runs("4711.25"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_has_begun_ends_with_it_or_with_the_connection() {
    let Some(server) = Server::new() else { return };
    let connection = server.connect().await;
    let [one, other] = [(), ()].map(|()| Ssh::over(&connection, &Default::default()));
    for (machine, mark) in [(&one, "4712.25"), (&other, "4713.25")] {
        let begun = format!("trap '' HUP; setsid nohup sleep {mark} >/dev/null 2>&1 </dev/null &");
        machine.succeed(&begun).await.unwrap();
    }
    one.end().await;
    assert_eq!(["4712.25", "4713.25"].map(runs), [false, true]);
    // The other ends as if this process had been killed.
    drop((one, other, connection));
    eventually("its end", || !runs("4713.25")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_is_the_end_of_the_machine_and_of_what_it_runs() {
    let Some(server) = Server::new() else { return };
    let machine = server.machine().await;
    let waiting = machine.run("trap '' HUP TERM; sleep 4714.25; sleep 4714.25");
    let cutting = async {
        while !runs("4714.25") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        kill_server(&machine).await;
    };
    let (lost, ()) = tokio::join!(waiting, cutting);
    let lost = lost.unwrap_err();
    assert!(matches!(lost, MachineError::Gone { .. }), "{lost}");
    assert!(lost.to_string().starts_with("machine: the machine is gone: the connection is lost"), "{lost}");
    assert!(machine.is_over());
    let again = machine.run("true").await.unwrap_err();
    assert_eq!(again.to_string(), lost.to_string());
    eventually("its end", || !runs("4714.25")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_runs_when_it_is_closed_is_ended() {
    let Some(server) = Server::new() else { return };
    let connection = server.connect().await;
    let machine = Ssh::over(&connection, &Default::default());
    machine.succeed("setsid sleep 4715.25 >/dev/null 2>&1 </dev/null &").await.unwrap();
    connection.close().await.unwrap();
    assert!(!runs("4715.25"));
    assert!(connection.is_lost());
}

/// Answers each line with the same line.
async fn echo(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin) {
    let mut buffer = [0; 64];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        stream.write_all(&buffer[..length]).await.unwrap();
    }
}

async fn answers(mut stream: tokio::net::UnixStream) {
    let mut answer = [0; 6];
    for _ in 0..2 {
        stream.write_all(b"hello\n").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hello\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_forwarded_and_waited_for() {
    let Some(server) = Server::new() else { return };
    let machine = server.machine().await;
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    tokio::spawn(async move { echo(tcp.accept().await.unwrap().0).await });
    let me = Peer { name: "me", id: rustix::process::getuid().as_raw() };
    answers(machine.connect(&format!("tcp:{port}"), me).await.unwrap()).await;

    let path = server.path("it's late");
    let late = path.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let listener = UnixListener::bind(late).unwrap();
        loop {
            tokio::spawn(echo(listener.accept().await.unwrap().0));
        }
    });
    for _ in 0..2 {
        answers(machine.connect(&format!("unix:{}", path.display()), me).await.unwrap()).await;
    }
    let wrong = machine.connect("file:/etc/passwd", ROOT).await.unwrap_err();
    assert!(wrong.to_string().contains("neither unix:PATH nor tcp:PORT"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_sees_the_user_who_is_meant() {
    let Some(server) = Server::new() else { return };
    if !is_root_for("can become another user") {
        return;
    }
    let machine = server.machine().await;
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    for path in [place.path(), &socket] {
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let user = stream.peer_cred().unwrap().uid();
        echo(stream).await;
        user
    });
    let (address, nobody) = (format!("unix:{}", socket.display()), Peer { name: "nobody", id: 65534 });
    answers(machine.connect(&address, nobody).await.unwrap()).await;
    assert_eq!(serving.await.unwrap(), 65534, "and it ends when this end does");

    fs::set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
    let refused = machine.connect(&address, nobody).await.unwrap_err();
    assert!(refused.to_string().contains("Permission denied"), "{refused}");
}

/// What the server has beside its own forwarding.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Forwarded,
    Bridged,
    /// Where neither Perl nor Python is.
    BridgedBySystemd,
}

#[rstest]
#[case::forwarded(Way::Forwarded)]
#[case::bridged(Way::Bridged)]
#[case::bridged_by_systemd(Way::BridgedBySystemd)]
#[tokio::test(flavor = "multi_thread")]
async fn a_bus_sees_the_user_who_is_meant(#[case] way: Way) {
    let Some(server) = Server::new() else { return };
    let me = Peer { name: "me", id: rustix::process::getuid().as_raw() };
    if way != Way::Forwarded && me.id != 0 {
        eprintln!("skipped: only root can become another user");
        return;
    }
    if way == Way::BridgedBySystemd {
        server.wrap(
            "for directory in $(echo $PATH | tr : ' '); do
                 for path in $directory/perl $directory/python3; do
                     [ ! -e $path ] || mount --bind /dev/null $(readlink -f $path)
                 done
             done",
        );
    }
    let socket = server.path("bus").display().to_string();
    let config = format!(
        "<busconfig><listen>unix:path={socket}</listen><auth>EXTERNAL</auth><policy context='default'>\
         <allow user='*'/><allow own='*'/><allow send_destination='*'/><allow receive_sender='*'/></policy></busconfig>"
    );
    fs::write(server.path("bus.conf"), config).unwrap();
    fs::set_permissions(server.path(""), Permissions::from_mode(0o755)).unwrap();
    let mut daemon = tokio::process::Command::new("dbus-daemon");
    let daemon = daemon.arg("--nofork").arg(format!("--config-file={}", server.path("bus.conf").display()));
    let Ok(_daemon) = daemon.stderr(Stdio::null()).kill_on_drop(true).spawn() else {
        eprintln!("skipped: there is no dbus-daemon");
        return;
    };
    let machine: Arc<dyn Machine> = Arc::new(server.machine().await);
    // What bridges by itself does not wait.
    let there = format!("timeout 20 sh -c 'until [ -S {socket} ]; do sleep 0.1; done'");
    machine.succeed(&there).await.unwrap();
    let user = if way == Way::Forwarded { me } else { Peer { name: "nobody", id: 65534 } };
    let bus = Bus::connect(&machine, &socket, user).await.unwrap();
    bus.request_name("org.assay.Probe").await.unwrap().unwrap();
    let seen: u32 = bus.call(BUS, "GetConnectionUnixUser", &"org.assay.Probe").await.unwrap().unwrap();
    assert_eq!(seen, user.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_is_there_until_the_connection_ends() {
    let Some(server) = Server::new() else { return };
    let connection = server.connect().await;
    let machine = Ssh::over(&connection, &Default::default());
    let program = machine.bring("vpn.up", b"#!/bin/sh\necho up\n").await.unwrap();
    let again = Ssh::over(&connection, &Default::default()).bring("vpn.up", b"").await.unwrap();
    assert_ne!(program, again, "each check has its own");
    assert_eq!(machine.succeed(program.to_str().unwrap()).await.unwrap(), "up");
    machine.end().await;
    let brought = program.ancestors().nth(2).unwrap();
    assert!(brought.exists());
    connection.close().await.unwrap();
    assert!(!brought.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_brought_goes_also_when_the_connection_is_lost() {
    let Some(server) = Server::new() else { return };
    let machine = server.machine().await;
    let program = machine.bring("vpn.up", b"#!/bin/sh\n").await.unwrap();
    kill_server(&machine).await;
    // The leash sees the end of the connection a moment later.
    let brought = program.ancestors().nth(2).unwrap();
    eventually("its directory to go", || !brought.exists()).await;
}
