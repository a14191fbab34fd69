//! A fork is a fork: it goes on in the memory of its template, and is a machine of its own.
//!
//! Needs a real machine: runs where `ASSAY_VM_TESTS` is set.

mod prepared;

use std::sync::Arc;

use harness::lab::{Changes, Drives, Lab};
use harness::machine::Difference;
use harness::machine::qemu::{Clock, Vm};
use harness::property::Seed;
use harness::{Check, Edit, Machine, Mutant, Need, Outcome, Source, Transcript, Trial};

async fn omarchy() -> Option<Lab> {
    prepared::lab("omarchy", "desktop").await
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
    let Some(lab) = omarchy().await else { return };
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

#[derive(PartialEq, Eq, Hash)]
struct Deed;

#[derive(PartialEq, Eq, Hash)]
struct AndMore;

async fn deed(machine: &dyn Machine) -> Outcome {
    machine.succeed("echo done >>/run/deed && nohup sleep 1000 >/dev/null 2>&1 &").await?;
    Ok(())
}

async fn and_more(machine: &dyn Machine) -> Outcome {
    machine.succeed("echo more >>/run/deed").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_of_a_deed_find_it_done_once() {
    let Some(lab) = omarchy().await else { return };
    let check = Check::must("demo.deed", Source::new("demo.md", "1"), "", nothing).needs([Need::Undo]);
    let trial = Trial::new(Arc::new(lab), &check, Seed::random(), 0);
    let done = async || {
        let done = trial.after(Deed, |machine| Box::pin(deed(machine))).await.unwrap();
        let and_more = done.after(AndMore, |machine| Box::pin(and_more(machine))).await.unwrap();
        (done.machine().await.unwrap(), and_more.machine().await.unwrap())
    };
    let (one, other) = tokio::join!(done(), done());
    for (done, and_more) in [one, other] {
        assert_eq!(done.succeed("cat /run/deed && pgrep -xc sleep").await.unwrap(), "done\n1");
        assert_eq!(and_more.succeed("cat /run/deed && pgrep -xc sleep").await.unwrap(), "done\nmore\n1");
    }
}

async fn nothing(_: &Trial) -> Outcome {
    Ok(())
}

fn mine() -> [Edit; 1] {
    [Edit::write("/etc/mine", "mine")]
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_of_a_changed_machine_have_booted_with_the_change_where_it_needs_that() {
    let Some(lab) = omarchy().await else { return };
    let transcript = Transcript::default();
    let mut boots = Vec::new();
    for changed in [None, Some(false), Some(true)] {
        let lab = match changed {
            None => lab.clone(),
            Some(boots) => {
                let mutant = Mutant { boots, ..Mutant::new("mine", mine()) };
                lab.changed(None, &Changes::Mutant(&mutant), &Transcript::default()).await.unwrap()
            }
        };
        let stage = lab.stage(None).unwrap();
        let fork = stage.fork(Drives::Plugged, Clock::Real, &transcript).await.unwrap();
        assert_eq!(fork.run("cat /etc/mine").await.unwrap().text(), changed.map_or("", |_| "mine"));
        boots.push(identity(&fork).await.boot);
    }
    assert_eq!(boots[0], boots[1]);
    assert_ne!(boots[0], boots[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_without_drives_have_a_change_that_needs_no_boot_too() {
    let Some(lab) = omarchy().await else { return };
    let transcript = Transcript::default();
    let mutant = Mutant::new("mine", mine());
    let changed = lab.changed(None, &Changes::Mutant(&mutant), &Transcript::default()).await.unwrap();
    let mut boots = Vec::new();
    for (lab, mine) in [(&lab, ""), (&changed, "mine")] {
        let stage = lab.stage(None).unwrap();
        let fork = stage.fork(Drives::Absent, Clock::Real, &transcript).await.unwrap();
        assert_eq!(fork.run("cat /etc/mine").await.unwrap().text(), mine);
        assert!(!fork.run("mountpoint /mnt/psf/RosettaLinux").await.unwrap().success(), "its drive is there");
        boots.push(identity(&fork).await.boot);
    }
    assert_eq!(boots[0], boots[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_tell_what_is_on_their_disk() {
    let Some(lab) = omarchy().await else { return };
    let fork = lab.stage(None).unwrap().fork(Drives::Plugged, Clock::Real, &Transcript::default()).await;
    let fork = fork.unwrap();
    let before = fork.contents().await.unwrap();
    fork.succeed(
        "echo more >>/etc/hostname && chmod 600 /etc/hosts && chown user /etc/fstab && mkfifo /etc/pipe",
    )
    .await
    .unwrap();
    let differences = fork.contents().await.unwrap().since(&before, &["/var"]);
    let told: Vec<String> = differences.iter().map(Difference::to_string).collect();
    assert_eq!(
        told,
        [
            "/etc/fstab belongs to 1000:0 instead of 0:0",
            "/etc/hostname has another content",
            "/etc/hosts has mode 0600 instead of 0644",
            "/etc/pipe is new",
        ]
    );
}
