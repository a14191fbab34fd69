//! The program, on a machine that is somebody's own.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

use crate::server::{Server, runs};

/// The program, whose user has an `ssh` that knows the server.
pub fn assay(server: &Server, arguments: &[&str]) -> Command {
    fs::create_dir_all(server.path("temporary")).unwrap();
    server
        .stand_in("ssh", &format!("exec {} -F {} \"$@\"", ssh().display(), server.path("config").display()));
    let mut command = Command::cargo_bin("assay").unwrap();
    let path = std::env::var("PATH").unwrap();
    command.args(arguments).env("PATH", format!("{}:{path}", server.path("programs").display()));
    command.env("ASSAY_CACHE", server.path("cache")).env("TMPDIR", server.path("temporary"));
    command.env_remove("XDG_RUNTIME_DIR").env_remove("ASSAY_SEED").env_remove("ASSAY_HOME");
    command.timeout(std::time::Duration::from_secs(120));
    command
}

fn ssh() -> PathBuf {
    let path = std::env::var("PATH").unwrap();
    let mut found = path.split(':').map(|directory| Path::new(directory).join("ssh"));
    found.find(|path| path.is_file()).unwrap()
}

#[test]
fn a_machine_is_only_looked_at_and_nothing_is_left() {
    let Some(server) = Server::new() else { return };
    let output = assay(&server, &["run", "omarchy", "--machine", "ssh:machine"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let lines = |word: &str| told.lines().filter(|line| line.starts_with(word)).collect::<Vec<_>>();
    // Whether this host is like omarchy is not for this test to say.
    assert!([0, 1, 3].contains(&output.status.code().unwrap()), "{told}");
    assert_eq!(lines("note "), ["note    machine is only looked at"], "{told}");
    let skipped = lines("skipped ");
    let decided = [
        "binfmt.registered",
        "binfmt.flags",
        "binfmt.executes",
        "binfmt.mount-before",
        "binfmt.dynamic-linker",
        "smartcard.symlink-at-boot",
        "identity.nix-readable",
        "identity.os-release",
        "session.device-broker-policy",
        "session.device-broker-service",
        "session.user-broker-activation",
        "session.no-root-owned-home",
    ];
    for id in decided {
        assert!(told.contains(&format!("began   {id}\n")), "{told}");
        assert!(!skipped.iter().any(|line| line.contains(&format!(" {id} "))), "{told}");
    }
    let reasons = ["`--allow state` lets it", "`--allow power` lets it", "which `--machine vm` has"];
    let planned = told.lines().next().unwrap().rsplit_once(' ').unwrap().0.rsplit_once(' ').unwrap().1;
    assert_eq!((skipped.len() + decided.len()).to_string(), planned, "{told}");
    assert!(skipped.iter().all(|line| reasons.iter().any(|reason| line.contains(reason))), "{told}");
    assert_eq!(fs::read_dir(server.path("temporary")).unwrap().count(), 0);
    assert!(!runs(server.path("config").to_str().unwrap()));
}

#[test]
fn what_will_be_done_is_told_before_and_nothing_is_done_where_nobody_answers() {
    let Some(server) = Server::new() else { return };
    server.configure("dead", "ProxyCommand false");
    let target = "name = 'omarchy'\n\
                  uses = ['omarchy/binfmt', 'omarchy/smartcard', 'omarchy/identity', 'omarchy/openssl', \
                  'omarchy/session', 'omarchy/provision']\n[machine.ssh]\nhost = 'dead'\nrestore = 'touch restored'\n";
    fs::write(server.path("mine.toml"), target).unwrap();
    let file = server.path("mine.toml").display().to_string();
    let output = assay(&server, &["run", &file, "--allow", "power"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap().replace(&file, "mine.toml");
    assert_eq!(output.status.code(), Some(3), "{told}");
    insta::assert_snapshot!(told, @"
    target  omarchy: 52 checks
    note    dead will be changed by 20 of 52 checks, one at a time, and rebooted by 1 of them; after each, `touch restored` is run on this host to undo that
    began   connect to dead
    assay: cannot prepare the target omarchy: cannot connect to dead: ssh has not been let in: kex_exchange_identification: Connection closed by remote host; `ssh -o BatchMode=yes dead true` has to work
    ");
    let prove = ["prove", &file, "--allow", "state", "--only", "identity.os-release"];
    let output = assay(&server, &prove).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let note = "note    dead will be changed by 0 of 1 checks and 2 mutants, one at a time; after each, `touch restored` is";
    assert!(told.contains(note), "{told}");
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(!server.path("restored").exists());
    assert_eq!(fs::read_dir(server.path("temporary")).unwrap().count(), 0);
}
