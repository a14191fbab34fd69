//! What may be done to a machine that is somebody's own, and what is done for it to be as before.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::cache::Cache;
use harness::event::{Event, Listener};
use harness::lab::{self, Access, Allow, Changes, Kind, Lab};
use harness::{Edit, Home, Machine, Mutant, Need, Target, Transcript};

use crate::server::{Server, is_root_for};

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Listener for Notes {
    fn hear(&self, event: &Event) {
        if let Event::Noted { text } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

async fn lab(server: &Server, allow: Allow, restore: Option<&str>, notes: &Arc<Notes>) -> Lab {
    let access = Access {
        login: server.login("machine"),
        allow,
        reboot: Some("cp next boot".to_owned()),
        restore: restore.map(str::to_owned),
        directory: server.path(""),
    };
    let target = Target::find("omarchy", &Home::find().unwrap()).unwrap();
    let cache = Cache::at(server.path("cache")).unwrap();
    let listener: Arc<dyn Listener> = notes.clone();
    lab::prepare(&target, &cache, Kind::Remote(access), &listener).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_had_than_is_allowed() {
    let Some(server) = Server::new() else { return };
    let told = |lab: &Lab| {
        let unmet = Need::ALL.into_iter().filter_map(|need| Some((need, lab.has(need, None).err()?)));
        unmet.map(|(need, reason)| format!("{}: {reason}\n", need.word())).collect::<String>()
    };
    let lab = async |allow| lab(&server, allow, None, &Arc::default()).await;
    insta::assert_snapshot!(told(&lab(Allow::Nothing).await), @"
    undo: machine is not assay's: `--allow state` lets it change files and units there
    boot: machine is not assay's: `--allow power` lets it be rebooted
    power: a machine over SSH is without power that can be cut, which `--machine vm` has
    lapse: a machine over SSH is without a clock that can be let run ahead, which `--machine vm` has
    drives: a machine over SSH is without drives that can be plugged in and pulled out, which `--machine vm` has
    token: a machine over SSH is without a reader for a smart card of this host's, which `--machine vm` has
    disk: a machine over SSH is without a disk that can be read from outside, which `--machine vm` has
    strings: a machine over SSH is without OEM strings of the check's choice, which `--machine vm` has
    ");
    let lacking = |lab: &Lab| Need::ALL.into_iter().filter(|need| lab.has(*need, None).is_err()).count();
    assert_eq!(lacking(&lab(Allow::State).await), 7);
    let lab = lab(Allow::Power).await;
    assert_eq!(lacking(&lab), 6);
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_something_is_alone_and_it_is_undone() {
    let Some(server) = Server::new() else { return };
    let notes = Arc::new(Notes::default());
    let lab = lab(&server, Allow::State, Some("mv changed undone"), &notes).await;
    let looking = lab.turn(&[], false).await.unwrap();
    let also_looking = lab.turn(&[Need::Sockets], false).await.unwrap();
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, lab.turn(&[Need::Undo], false)).await.is_err());
    drop((looking, also_looking));

    let turn = lab.turn(&[], true).await.unwrap();
    assert!(tokio::time::timeout(soon, lab.turn(&[], false)).await.is_err());
    let file = server.path("changed").display().to_string();
    let mutant = Mutant::new("a file", [Edit::write(file.clone(), "by a mutant")]);
    lab.changed(None, &Changes::Mutant(&mutant), &Transcript::default()).await.unwrap();
    turn.end().await;
    assert_eq!(fs::read_to_string(server.path("undone")).unwrap(), "by a mutant");
    assert!(notes.0.lock().unwrap().is_empty());

    // There is nothing that could be undone now.
    lab.turn(&[Need::Undo], false).await.unwrap().end().await;
    let refused = lab.turn(&[Need::Undo], false).await.err().unwrap().to_string();
    assert!(refused.contains("cannot change anything: what was changed could not be undone"), "{refused}");
    lab.turn(&[], false).await.unwrap().end().await;
    let notes = notes.0.lock().unwrap();
    assert!(notes[0].contains("`mv changed undone` failed with exit status 1"), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_interrupted_is_told() {
    let Some(server) = Server::new() else { return };
    let notes = Arc::new(Notes::default());
    let lab = lab(&server, Allow::State, Some("true"), &notes).await;
    drop(lab.turn(&[Need::Undo], false).await.unwrap());
    let told = "a check that may change machine was interrupted, and `restore` was not run";
    assert_eq!(*notes.0.lock().unwrap(), [told]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reboot_is_over_when_the_machine_is_back_with_another_boot() {
    let Some(server) = Server::new() else { return };
    if !is_root_for("can have a machine seem to have booted") {
        return;
    }
    server.wrap("mount --bind {here}/boot /proc/sys/kernel/random/boot_id");
    fs::write(server.path("boot"), "one\n").unwrap();
    fs::write(server.path("next"), "two\n").unwrap();
    let lab = lab(&server, Allow::Power, None, &Arc::default()).await;
    let (remote, transcript) = (lab.remote().unwrap(), Transcript::default());
    let before = remote.machine(&transcript).await.unwrap();
    let after = remote.reboot(&transcript).await.unwrap();
    assert_eq!(after.succeed("cat /proc/sys/kernel/random/boot_id").await.unwrap(), "two");
    let gone = before.run("true").await.unwrap_err().to_string();
    assert_eq!(gone, "machine: the machine is gone: the machine was rebooted");
    assert_eq!(transcript.machines().len(), 1);
}
