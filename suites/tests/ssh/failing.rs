//! What can be wrong with a host: each is a clear line.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::thread;

use harness::Machine;
use insta::assert_snapshot;

use crate::server::{Server, is_root_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_known_is_never_accepted() {
    let Some(server) = Server::new() else { return };
    let known = fs::read(server.path("known")).unwrap();
    fs::write(server.path("known"), "").unwrap();
    let unknown = server.refusal("machine").await.replace(server.path("").to_str().unwrap(), "");
    assert_snapshot!(unknown, @"cannot connect to machine: ssh has not been let in: Host key verification failed; `ssh -F config -o BatchMode=yes machine true` has to work");
    assert_eq!(fs::read(server.path("known")).unwrap(), b"");

    let other = fs::read_to_string(server.path("other.pub")).unwrap();
    fs::write(server.path("known"), format!("machine {other}")).unwrap();
    let changed = server.refusal("machine").await;
    assert!(changed.contains("Host key verification failed"), "{changed}");

    fs::write(server.path("known"), known).unwrap();
    server.machine().await.succeed("true").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_what_ssh_says() {
    let Some(server) = Server::new() else { return };
    fs::copy(server.path("other.pub"), server.path("authorized")).unwrap();
    let refused = server.refusal("machine").await.replace(server.path("").to_str().unwrap(), "");
    assert!(refused.contains("Permission denied (publickey)"), "{refused}");
    assert!(refused.ends_with("; `ssh -F config -o BatchMode=yes machine true` has to work"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_no_ssh_server_is_told() {
    let Some(server) = Server::new() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let noise =
                if number == 0 { b"\x00\xffnoise\n".repeat(9000) } else { b"\x1b[31m".repeat(20_000) };
            let _ = stream.unwrap().write_all(&noise);
        }
    });
    server.configure("noise", &format!("Port {port}\nProxyCommand none"));
    for _ in 0..2 {
        let refused = server.refusal("noise").await;
        assert!(refused.starts_with("cannot connect to noise: ssh has not been let in: "), "{refused}");
        assert!(refused.len() < 2000 && !refused.contains('\n'), "{refused}");
    }
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    server.configure("dead", &format!("Port {dead}\nProxyCommand none"));
    let refused = server.refusal("dead").await;
    assert!(refused.contains("Connection refused"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_prints_by_itself_is_told() {
    let Some(server) = Server::with("ForceCommand echo welcome; eval \"$SSH_ORIGINAL_COMMAND\"") else {
        return;
    };
    assert_snapshot!(server.refusal("machine").await, @r#"cannot connect to machine: its login shell prints "welcome" before it runs a command: have it print nothing where no terminal is"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_no_sessions_share_a_connection_is_told() {
    let Some(server) = Server::with("MaxSessions 1") else { return };
    let refused = server.machine().await.run("true").await.unwrap_err().to_string();
    assert!(refused.contains("few sessions share a connection has to be told MaxSessions 10"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_become_root_is_told() {
    let Some(server) = Server::new() else { return };
    server.stand_in("id", "echo 4711");
    server.stand_in("sudo", "echo 'sudo: a password is required' >&2; exit 1");
    assert_snapshot!(server.refusal("machine").await, @"cannot connect to machine: no command can be run as root there: sudo: a password is required; log in as root, or as a user who may use sudo without a password");

    let log = server.path("log");
    server.stand_in("sudo", &format!("echo \"$1 $2\" >>{}; shift 2; exec \"$@\"", log.display()));
    server.machine().await.succeed("true").await.unwrap();
    assert_eq!(fs::read_to_string(log).unwrap(), "--non-interactive --\n".repeat(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_told_and_nothing_is_left_on_it() {
    let Some(server) = Server::new() else { return };
    if !is_root_for("may mount the small disk that this fills") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let machine = server.machine().await;
    let here = place.path().display();
    machine.succeed(&format!("mount -t tmpfs -o size=1m none {here} && echo old >{here}/old")).await.unwrap();
    for name in ["new", "old"] {
        let full = machine.write(&place.path().join(name), &[0; 2 << 20], 0o644).await.unwrap_err();
        assert!(full.to_string().contains("No space left on device"), "{full}");
    }
    let left = machine.succeed(&format!("cd {here} && ls -A && cat old && cd / && umount {here}")).await;
    assert_eq!(left.unwrap(), "old\nold");
}
