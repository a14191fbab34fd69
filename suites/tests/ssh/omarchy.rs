//! The reference machine with a server of OpenSSH's, as somebody's own: what is decided over SSH is what forks decide.
//!
//! It takes half an hour and an image of its own: `ASSAY_VM_TESTS=1 cargo test --test ssh omarchy -- --ignored`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::lab::{self, Changes, Drives, Kind, Lab};
use harness::machine::qemu::{Clock, ROOT, Vm};
use harness::{Accelerator, Check, Edit, Home, Machine, Mutant, Need, Target, Transcript};
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

/// The checks that only look, and those that change files and units as well.
fn checks(home: &Home) -> (Vec<Check>, Vec<Check>) {
    let settings = Target::find("omarchy", home).unwrap().settings;
    let suites = CATALOGUE.iter().filter(|suite| suite.label().starts_with("omarchy/"));
    let checks = suites.flat_map(|suite| suite.checks(&settings).unwrap());
    let checks =
        checks.filter(|check| check.needs.iter().all(|need| matches!(need, Need::Undo | Need::Sockets)));
    checks.partition(|check| !check.needs.contains(&Need::Undo))
}

/// What breaks a check on a disk or on a machine that runs.
fn mutants(check: &Check) -> impl Iterator<Item = &Mutant> {
    let on_a_machine = |edit: &Edit| !matches!(edit, Edit::Setting(_) | Edit::Step { .. });
    check.mutants.iter().filter(move |mutant| mutant.edits.iter().all(on_a_machine))
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

/// Each check has a fork of its own, so that nothing of it stays.
const TARGET: &str = "name = 'omarchy'\n\
    uses = ['omarchy/binfmt', 'omarchy/smartcard', 'omarchy/identity', 'omarchy/openssl', 'omarchy/session']\n\
    [machine.ssh]\nhost = 'omarchy'\nrestore = 'true'\n";

fn over_ssh(client: &Server, allow: &str, ids: Vec<String>) -> Vec<String> {
    let target = client.path("omarchy.toml");
    fs::write(&target, TARGET).unwrap();
    let run = ["run", target.to_str().unwrap(), "--allow", allow].map(str::to_owned);
    run.into_iter().chain(ids).collect()
}

/// What a fork says of these checks, which may break it.
async fn of_a_fork(
    lab: &Lab,
    client: &Server,
    home: &Home,
    allow: &str,
    ids: Vec<String>,
) -> Vec<(String, String)> {
    let vm = reachable(lab, client).await;
    let said = verdicts(client, home, over_ssh(client, allow, ids)).await;
    vm.end().await;
    said
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour and an image of its own"]
async fn what_is_decided_over_ssh_is_what_forks_decide() {
    if std::env::var_os("ASSAY_VM_TESTS").is_none() {
        return;
    }
    let Some(client) = Server::new() else { return };
    let (_place, home) = home();
    let lab = reference(&home).await;
    let (looking, changing) = checks(&home);
    assert!(looking.len() > 10 && changing.len() > 10);
    let ids = only(looking.iter().map(|check| &*check.invariant.id));

    let vm = reachable(&lab, &client).await;
    let before = vm.contents().await.unwrap();
    let mut there = verdicts(&client, &home, over_ssh(&client, "nothing", ids.clone())).await;
    let after = vm.contents().await.unwrap();
    vm.end().await;
    // A service that waits at its socket is started by who looks, and its own directory goes with it.
    let differences = after.since(&before, &["/var/log"]).into_iter().map(|change| change.to_string());
    let differences: Vec<String> =
        differences.filter(|change| !change.starts_with("/var/tmp/systemd-private-")).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    // Nothing undoes there what these do.
    for check in &changing {
        there.extend(of_a_fork(&lab, &client, &home, "state", only([&*check.invariant.id])).await);
    }
    there.sort();
    let (skipped, there): (Vec<_>, Vec<_>) = there.into_iter().partition(|(_, verdict)| verdict == "skipped");
    let skipped: Vec<&str> = skipped.iter().map(|(id, _)| &**id).collect();
    // Nobody knows by which steps that machine was made.
    assert_eq!(skipped, ["session.policy-reload"]);
    let forks = ["run", "omarchy"].map(str::to_owned);
    let forks = forks.into_iter().chain(only(there.iter().map(|(id, _)| &**id))).collect();
    assert_eq!(there, verdicts(&client, &home, forks).await);

    let (mut seen, mut unseen) = (0, Vec::new());
    for (allow, checks) in [("nothing", &looking), ("state", &changing)] {
        for (check, mutant) in
            checks.iter().flat_map(|check| mutants(check).map(move |mutant| (check, mutant)))
        {
            let changed = lab.changed(None, &Changes::Mutant(mutant), &Transcript::default()).await.unwrap();
            let id = &*check.invariant.id;
            let said = of_a_fork(&changed, &client, &home, allow, only([id])).await;
            eprintln!("{id}, {}: {said:?}", mutant.name);
            match said == [(id.to_owned(), "failed".to_owned())] {
                true => seen += 1,
                false => unseen.push(format!("{id}, {}: {said:?}", mutant.name)),
            }
        }
    }
    assert!(unseen.is_empty(), "{unseen:#?}");
    eprintln!("{} checks alike, {seen} mutants seen", there.len());
}
