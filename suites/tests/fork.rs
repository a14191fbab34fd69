//! A fork is a fork: it goes on in the memory of its template, and is a machine of its own.
//!
//! Needs a real machine: runs where `ASSAY_VM_TESTS` is set.

use std::sync::Arc;

use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::lab::{self, Drives, Kind, Lab};
use harness::machine::qemu::{Clock, Vm};
use harness::{Home, Machine, Target, Transcript};

struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

async fn omarchy() -> Lab {
    let target = Target::find("omarchy", &Home::find().unwrap()).unwrap();
    let listener: Arc<dyn Listener> = Arc::new(Silent);
    lab::prepare(&target, &Cache::open().unwrap(), Kind::Virtual(None), &listener).await.unwrap()
}

/// What a machine says of itself.
#[derive(Debug)]
struct Identity {
    /// The kernel draws it when it starts, and keeps it nowhere but in memory.
    boot: String,
    machine: String,
    random: String,
    /// Seconds since 1970.
    time: u64,
}

async fn identity(vm: &Vm) -> Identity {
    let files = "/proc/sys/kernel/random/boot_id /etc/machine-id /proc/sys/kernel/random/uuid";
    let text = vm.succeed(&format!("cat {files}; date +%s")).await.unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let [boot, machine, random, time] = <[String; 4]>::try_from(lines).unwrap();
    Identity { boot, machine, random, time: time.parse().unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_share_a_past_and_nothing_else() {
    if std::env::var_os("ASSAY_VM_TESTS").is_none() {
        eprintln!("skipped: set ASSAY_VM_TESTS=1 to start machines");
        return;
    }
    let lab = omarchy().await;
    let stage = lab.stage(None).unwrap();
    let transcript = Transcript::default();
    let (one, other) = tokio::join!(
        stage.fork(Drives::Plugged, Clock::Real, &transcript),
        stage.fork(Drives::Plugged, Clock::Real, &transcript)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    one.succeed("echo mine >/run/mine && echo mine >/root/mine").await.unwrap();
    assert!(
        !other.run("cat /run/mine || cat /root/mine").await.unwrap().success(),
        "forks share what they write"
    );

    let (one, other) = (identity(&one).await, identity(&other).await);
    assert_eq!(one.boot, other.boot, "both go on in the memory of one template");
    assert_ne!(one.machine, other.machine);
    assert_ne!(one.random, other.random);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for fork in [one, other] {
        assert!(now.abs_diff(fork.time) <= 10, "{fork:?} is not at {now}");
    }
}
