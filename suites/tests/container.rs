//! Real containers: they are machines, they end with whoever started them, and leave nothing.
//!
//! Needs a Docker engine: runs where `ASSAY_CONTAINER_TESTS` is set.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::lab::{self, Kind, Lab};
use harness::machine::container::Container;
use harness::{Home, Machine, MachineError, Need, Status, Target, Transcript};
use rstest::rstest;
use testcontainers::bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};
use testcontainers::core::client::docker_client_instance;

struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

fn wanted() -> bool {
    let wanted = std::env::var_os("ASSAY_CONTAINER_TESTS").is_some();
    if !wanted {
        eprintln!("skipped: set ASSAY_CONTAINER_TESTS=1 to start containers");
    }
    wanted
}

async fn lab() -> Lab {
    let target = Target::find("appliance", &Home::find().unwrap()).unwrap();
    let listener: Arc<dyn Listener> = Arc::new(Silent);
    lab::prepare(&target, &Cache::open().unwrap(), Kind::Container, &listener).await.unwrap()
}

async fn container(lab: &Lab) -> Container {
    let containers = lab.containers().unwrap().expect("a lab of containers");
    containers.start(&Transcript::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_a_machine() {
    if !wanted() {
        return;
    }
    let lab = lab().await;
    let container = container(&lab).await;
    let ran = container.run("cat /proc/1/comm; echo complaint >&2; exit 7").await.unwrap();
    assert_eq!((ran.status, ran.text().as_str()), (Status::Exit(7), "systemd"));
    assert_eq!(ran.stderr, b"complaint\n");
    let silent = container.run("exec >&- 2>&-; sleep 1; exit 8").await.unwrap();
    assert_eq!(silent.status, Status::Exit(8), "it has nothing more to say a second before it ends");

    let content: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    let file = Path::new("/srv/a directory/it's a file");
    container.write(file, &content, 0o640).await.unwrap();
    assert!(container.read(file).await.unwrap() == content);
    assert_eq!(container.succeed("stat --format=%a /srv/*/*file").await.unwrap(), "640");
    container.write(file, b"", 0o640).await.unwrap();
    assert_eq!(container.read(file).await.unwrap(), b"");

    let before = container.uptime().await.unwrap();
    assert!(container.lapse(Duration::from_millis(50)).await.unwrap() >= before + Duration::from_millis(50));
    let never = container.run_within("sleep 60", Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(never, MachineError::Never { .. }), "{never}");
    let flood = container.run("head -c 20000000 /dev/zero").await.unwrap_err();
    assert!(flood.to_string().contains("it printed more than 16 MiB"), "{flood}");
    let minutes = container.lapse(Duration::from_secs(600)).await.unwrap_err();
    assert!(matches!(minutes, MachineError::Lacks { need: Need::Lapse, .. }), "{minutes}");
    container.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_has_ended_is_gone() {
    if !wanted() {
        return;
    }
    let lab = lab().await;
    let container = container(&lab).await;
    let gone = container.run("systemctl poweroff --force --force; sleep 60").await.unwrap_err();
    assert!(matches!(gone, MachineError::Gone { .. }), "{gone}");
    let again = container.run("true").await.unwrap_err();
    assert!(matches!(again, MachineError::Gone { .. }), "{again}");
    container.end().await;
}

/// Before the run holds on to its container, and after.
#[rstest]
#[case::at_once(false)]
#[case::held(true)]
#[tokio::test(flavor = "multi_thread")]
async fn containers_end_with_a_killed_run(#[case] held: bool) {
    if !wanted() {
        return;
    }
    // Whatever it would have to prepare first is there then.
    drop(lab().await);
    let mut run = Command::new(env!("CARGO_BIN_EXE_assay"));
    run.args(["run", "appliance", "--machine", "container", "--only", "rollback.disk-full"]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let docker = docker_client_instance().await.unwrap();
    let label = [("label", vec![format!("assay.process={}", run.id())])];
    // One that is killed before it is started only has a name, which the next run forgets.
    let all = ListContainersOptionsBuilder::new().all(held).filters(&HashMap::from(label)).build();
    let containers = async || docker.list_containers(Some(all.clone())).await.unwrap();
    let answers = async || {
        let Some(id) = containers().await.pop().and_then(|container| container.id) else { return false };
        let seen = docker.inspect_container(&id, None::<InspectContainerOptions>).await;
        !held || seen.is_ok_and(|seen| seen.exec_ids.is_some_and(|commands| commands.len() > 1))
    };
    eventually("a container", answers).await;
    run.kill().unwrap();
    run.wait().unwrap();
    // One that was not held yet waits for 20 s.
    eventually("no container", async || containers().await.is_empty()).await;
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "waited for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
