//! The reference machine with a server of OpenSSH's, as somebody's own: what is decided over SSH is what forks decide.
//!
//! It takes ten minutes and an image of its own: `ASSAY_VM_TESTS=1 cargo test --test ssh omarchy -- --ignored`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::lab::{self, Changes, Drives, Kind, Lab};
use harness::machine::qemu::{Clock, ROOT, Vm};
use harness::{Accelerator, Check, Edit, Home, Machine, Target, Transcript};
use serde_json::Value;
use suites::CATALOGUE;
use tokio::net::TcpListener;

use crate::program;
use crate::server::Server;

struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

/// A home whose omarchy has the server in its image.
fn home() -> (tempfile::TempDir, Home) {
    let place = tempfile::tempdir().unwrap();
    for directory in ["fixtures", "vm-images"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(directory);
        let copied = Command::new("cp").arg("--archive").arg(from).arg(place.path()).status().unwrap();
        assert!(copied.success());
    }
    let recipe = place.path().join("vm-images/omarchy.toml");
    let text = fs::read_to_string(&recipe).unwrap();
    // Without the scripts of its packages, which want what makes users.
    let files = "unpacked = [\"openssh-server\", \"openssh-client\", \"libwrap0\", \"libwtmpdb0\", ";
    let with = text.replace("unpacked = [", files);
    assert_ne!(with, text);
    fs::write(recipe, with).unwrap();
    let home = Home::at(place.path()).unwrap();
    (place, home)
}

async fn reference(home: &Home) -> Lab {
    let target = Target::find("omarchy", home).unwrap();
    let listener: Arc<dyn Listener> = Arc::new(Silent);
    let kind = Kind::Virtual(Some(Accelerator::Tcg));
    lab::prepare(&target, &Cache::open().unwrap(), kind, &listener).await.unwrap()
}

/// The checks that only look, each with what breaks it on a disk or on a machine that runs.
fn looking(home: &Home) -> Vec<Check> {
    let settings = Target::find("omarchy", home).unwrap().settings;
    let suites = CATALOGUE.iter().filter(|suite| suite.label().starts_with("omarchy/"));
    let checks = suites.flat_map(|suite| suite.checks(&settings).unwrap());
    checks.filter(|check| check.needs.is_empty()).collect()
}

/// A fork that the client of this server knows as `omarchy`.
async fn reachable(lab: &Lab, client: &Server) -> Arc<Vm> {
    let stage = lab.stage(None).unwrap();
    let vm = stage.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await.unwrap();
    let key = fs::read(client.path("user.pub")).unwrap();
    vm.write(Path::new("/root/.ssh/authorized_keys"), &key, 0o600).await.unwrap();
    // What the scripts of its package would have made.
    let user = "sshd:x:990:65534::/run/sshd:/usr/sbin/nologin";
    vm.succeed(&format!("echo {user} >>/etc/passwd")).await.unwrap();
    vm.write(Path::new("/etc/ssh/sshd_config"), b"UsePAM no\nLogLevel VERBOSE\n", 0o644).await.unwrap();
    let begin =
        "ssh-keygen -A && mkdir -p /run/sshd && chmod 700 /root/.ssh && /usr/sbin/sshd -t && /usr/sbin/sshd";
    vm.succeed(begin).await.unwrap();
    let public = vm.succeed("cat /etc/ssh/ssh_host_ed25519_key.pub").await.unwrap();
    fs::write(client.path("known"), format!("machine {public}\n")).unwrap();

    let vm = Arc::new(vm);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let there = Arc::downgrade(&vm);
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            let Some(vm) = there.upgrade() else { break };
            tokio::spawn(async move {
                let connected = vm.connect("tcp:22", ROOT).await;
                drop(vm);
                let mut there = match connected {
                    Ok(there) => there,
                    Err(error) => return eprintln!("{error}"),
                };
                let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
            });
        }
    });
    let _ = fs::remove_file(client.path("config"));
    client.configure("omarchy", &format!("User root\nPort {port}\nConnectTimeout 60"));
    vm
}

/// What the program says of these checks, by their ids.
async fn verdicts(client: &Server, home: &Home, arguments: Vec<String>) -> Vec<(String, String)> {
    let report = client.path("report.json");
    let json = ["--json".to_owned(), report.display().to_string()];
    let arguments: Vec<String> = arguments.into_iter().chain(json).collect();
    let mut command = program::assay(client, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    command.env("ASSAY_HOME", home.directory()).env("ASSAY_CACHE", Cache::open().unwrap().root());
    command.timeout(Duration::from_secs(1200));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value =
        serde_json::from_slice(&fs::read(report).unwrap_or_else(|_| panic!("{told}"))).unwrap();
    let said = |case: &Value| {
        let [id, verdict] = ["id", "verdict"].map(|key| case[key].as_str().unwrap().to_owned());
        if verdict != "passed" {
            eprintln!("{id}: {verdict}: {} {}", case["observed"], case["reason"]);
        }
        (id, verdict)
    };
    let mut verdicts: Vec<_> = report["checks"].as_array().unwrap().iter().map(said).collect();
    verdicts.sort();
    verdicts
}

/// The options that select checks.
fn only<'c>(ids: impl IntoIterator<Item = &'c str>) -> Vec<String> {
    ids.into_iter().flat_map(|id| ["--only".to_owned(), id.to_owned()]).collect()
}

fn over_ssh(ids: Vec<String>) -> Vec<String> {
    ["run", "omarchy", "--machine", "ssh:omarchy"].map(str::to_owned).into_iter().chain(ids).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten minutes and an image of its own"]
async fn what_is_decided_over_ssh_is_what_forks_decide() {
    if std::env::var_os("ASSAY_VM_TESTS").is_none() {
        return;
    }
    let Some(client) = Server::new() else { return };
    let (_place, home) = home();
    let lab = reference(&home).await;
    let checks = looking(&home);
    assert!(checks.len() > 5);
    let ids = only(checks.iter().map(|check| &*check.invariant.id));

    let vm = reachable(&lab, &client).await;
    let before = vm.contents().await.unwrap();
    let there = verdicts(&client, &home, over_ssh(ids.clone())).await;
    let after = vm.contents().await.unwrap();
    vm.end().await;
    // A service that waits at its socket is started by who looks, and its own directory goes with it.
    let differences = after.since(&before, &["/var/log"]).into_iter().map(|change| change.to_string());
    let differences: Vec<String> =
        differences.filter(|change| !change.starts_with("/var/tmp/systemd-private-")).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    let forks =
        verdicts(&client, &home, ["run", "omarchy"].map(str::to_owned).into_iter().chain(ids).collect())
            .await;
    assert_eq!(there, forks);

    let mut seen = 0;
    for check in &checks {
        let on_a_machine = |edit: &Edit| !matches!(edit, Edit::Setting(_) | Edit::Step { .. });
        for mutant in check.mutants.iter().filter(|mutant| mutant.edits.iter().all(on_a_machine)) {
            let changed = lab.changed(None, &Changes::Mutant(mutant), &Transcript::default()).await.unwrap();
            let vm = reachable(&changed, &client).await;
            let id = &*check.invariant.id;
            let said = verdicts(&client, &home, over_ssh(only([id]))).await;
            vm.end().await;
            assert_eq!(said, [(id.to_owned(), "failed".to_owned())], "mutant {}", mutant.name);
            seen += 1;
            eprintln!("{seen}: {id}, {}", mutant.name);
        }
    }
    eprintln!("{} checks alike, {seen} mutants seen", there.len());
}
