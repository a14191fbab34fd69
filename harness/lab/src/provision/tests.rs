use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use insta::assert_snapshot;
use machine::Machine;
use machine::fake::{Fake, Node, said};
use proptest::prelude::*;
use record::event::{Change, Event, Listener};
use rstest::rstest;

use super::{Plan, ProvisionError, StepFlaw, sequence};
use crate::target::{Home, Target};

/// Remembers what it heard of steps.
#[derive(Default)]
struct Heard(Mutex<Vec<(String, Change)>>);

impl Listener for Heard {
    fn hear(&self, event: &Event) {
        if let Event::Provisioned { step, change } = event {
            self.0.lock().unwrap().push((step.clone(), *change));
        }
    }
}

impl Heard {
    fn all(&self) -> Vec<(String, Change)> {
        self.0.lock().unwrap().clone()
    }
}

/// A steps file in a directory of its own, with a file for every step named in `trees`.
fn load(steps: &str, trees: &[&str]) -> Result<Plan, String> {
    let directory = tempfile::tempdir().unwrap();
    for id in trees {
        let etc = directory.path().join("steps").join(id).join("etc");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join(id), id).unwrap();
    }
    let file = directory.path().join("steps.toml");
    std::fs::write(&file, format!("document = 'demo.md'\n{steps}")).unwrap();
    let shown = format!("{}/", directory.path().display());
    Plan::load(&file).map_err(|error| error.to_string().replace(&shown, ""))
}

/// A step that does `apply-ID` and asks `done-ID`.
fn step(id: &str, needs: &[&str]) -> String {
    format!(
        "[[step]]\nid = '{id}'\ntitle = 't'\nsource = 's'\nneeds = {needs:?}\napply = ['apply-{id}']\ndone = 'done-{id}'\n"
    )
}

/// A machine on which `apply-ID` makes `done-ID` succeed.
fn machine() -> Fake {
    Fake::new("fake").answering(|command, files| {
        if let Some(id) = command.strip_prefix("apply-") {
            files.insert(format!("/done/{id}"), Node::Directory { mode: 0o755 });
            return Some(said(0, ""));
        }
        let id = command.strip_prefix("done-")?;
        Some(if files.contains_key(&format!("/done/{id}")) { said(0, "") } else { said(1, "not yet") })
    })
}

fn actions(machine: &Fake) -> Vec<String> {
    machine.transcript().take().into_iter().map(|exchange| exchange.action).collect()
}

fn changes(action: &str) -> bool {
    ["apply-", "write ", "tar "].iter().any(|start| action.starts_with(start))
}

#[test]
fn bad_plans_name_their_steps() {
    let message = |steps: &str, trees: &[&str]| load(steps, trees).unwrap_err();
    let pair = |a: &[&str], b: &[&str]| step("1.1-a", a) + &step("1.2-b", b);
    assert_snapshot!(message(&pair(&["1.2-b"], &["1.1-a"]), &[]), @"steps.toml: steps need each other in a circle: 1.1-a needs 1.2-b needs 1.1-a");
    assert_snapshot!(message(&(pair(&[], &["1.2-b"]) + &step("1.3-c", &["1.2-b"])), &[]), @"steps.toml: steps need each other in a circle: 1.2-b needs 1.2-b");
    assert_snapshot!(message(&pair(&[], &["1.1-x"]), &[]), @"steps.toml: step 1.2-b needs 1.1-x, which is no step; the steps are 1.1-a, 1.2-b");
    assert_snapshot!(message(&(step("1.1-a", &[]) + &step("1.1-a", &[])), &[]), @"steps.toml: two steps are called 1.1-a");
    assert_snapshot!(message(&step("../a", &[]), &[]), @r#"steps.toml: step "../a": an id is lower-case letters, digits, dots and dashes"#);
    assert_snapshot!(message(&step("1.1-a", &[]), &["1.1-a", "1.1-b"]), @"steps/1.1-b holds the files of no step: name it like one, or remove it");
    assert_snapshot!(message("[[step]]\nid = 'a'\ntitle = 't'\nsource = 's'\n", &[]), @"steps.toml: step a has neither files nor a closure nor commands to apply");
    assert_snapshot!(message("[[step]]\nid = 'a'\nneed = []\n", &[]), @r#"steps.toml, line 4: unknown field `need`, expected one of `id`, `title`, `source`, `needs`, `requires`, `closure`, `apply`, `done`, `limit` (did you mean "needs"?)"#);
    assert_snapshot!(message("[[step]]\nid = 'a'\ntitle = 't'\nsource = 's'\nrequires = { probe = 'x' }\n", &[]), @"steps.toml, line 6: missing field `what`");
}

#[test]
fn a_missing_steps_file_is_named() {
    let error = Plan::load(Path::new("nowhere/steps.toml")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read nowhere/steps.toml: "), "{error}");
}

#[tokio::test]
async fn the_second_time_everything_is_already_there() {
    let plan = load(&(step("1.1-a", &[]) + &step("1.2-b", &["1.1-a"])), &["1.1-a"]).unwrap();
    let (machine, heard) = (machine(), Heard::default());
    let both = |change| vec![("1.1-a".to_owned(), change), ("1.2-b".to_owned(), change)];
    assert_eq!(plan.provision(&machine, &heard).await.unwrap(), both(Change::Applied));
    assert_eq!(machine.files()["/etc/1.1-a"], Node::File { mode: 0o644, content: "1.1-a".into() });
    actions(&machine);
    assert_eq!(plan.provision(&machine, &heard).await.unwrap(), both(Change::AlreadyThere));
    assert_eq!(actions(&machine).into_iter().filter(|action| changes(action)).count(), 0);
    assert_eq!(heard.all(), [both(Change::Applied), both(Change::AlreadyThere)].concat());
}

#[rstest]
#[case::content(Node::File { mode: 0o644, content: "changed".into() })]
#[case::mode(Node::File { mode: 0o600, content: "1.1-a".into() })]
#[case::kind(Node::Link { to: "/dev/null".into() })]
#[tokio::test]
async fn a_changed_file_is_put_right(#[case] node: Node) {
    let plan = load(&step("1.1-a", &[]), &["1.1-a"]).unwrap();
    let machine = machine();
    plan.provision(&machine, &Heard::default()).await.unwrap();
    let before = machine.files();
    machine.put("/etc/1.1-a", node);
    let again = plan.provision(&machine, &Heard::default()).await.unwrap();
    assert_eq!(again, [("1.1-a".to_owned(), Change::Applied)]);
    assert_eq!(machine.files(), before);
}

#[tokio::test]
async fn a_step_alone_refuses_before_what_it_needs() {
    let plan = load(&(step("1.1-a", &[]) + &step("1.2-b", &["1.1-a"])), &["1.2-b"]).unwrap();
    let machine = machine();
    let error = plan.run("1.2-b", &machine).await.unwrap_err();
    assert_snapshot!(error, @"step 1.2-b refused, fake is unchanged: first provision 1.1-a");
    assert_eq!(actions(&machine).into_iter().filter(|action| changes(action)).count(), 0);
    assert!(machine.files().is_empty());
    plan.run("1.1-a", &machine).await.unwrap();
    assert_eq!(plan.run("1.2-b", &machine).await.unwrap(), Change::Applied);
}

#[tokio::test]
async fn an_unmet_requirement_refuses_and_changes_nothing() {
    let asking = step("1.1-a", &[]) + "requires = { what = 'the share', probe = 'ls /share' }\n";
    let plan = load(&asking, &["1.1-a"]).unwrap();
    let machine = machine().answer("ls /share", said(2, "no such file"));
    let error = plan.provision(&machine, &Heard::default()).await.unwrap_err();
    assert_snapshot!(error, @r#"step 1.1-a refused, fake is unchanged: it needs the share, but `ls /share` ended with exit status 2, error output "no such file""#);
    assert_eq!(actions(&machine).into_iter().filter(|action| changes(action)).count(), 0);
    assert!(machine.files().is_empty());
}

#[tokio::test]
async fn failures_show_command_and_output() {
    let plan = load(&step("1.1-a", &[]), &[]).unwrap();
    let broken = Fake::new("fake").answer("done-1.1-a", said(1, "not yet"));
    let plan = &plan;
    let failing =
        |fake| async move { plan.provision(&fake, &Heard::default()).await.unwrap_err().to_string() };
    assert_snapshot!(failing(broken).await, @r#"step 1.1-a: on fake `apply-1.1-a` failed with exit status 127, error output "nothing is scripted for this command""#);
    let idle = Fake::new("fake").answer("done-1.1-a", said(1, "not yet")).answer("apply-1.1-a", said(0, ""));
    assert_snapshot!(failing(idle).await, @r#"step 1.1-a was applied to fake, but is not there: `done-1.1-a` ended with exit status 1, error output "not yet""#);
    let dying = machine();
    dying.die_after(1);
    assert_snapshot!(failing(dying).await, @"step 1.1-a: fake: the machine is gone: it died");
    let error = plan.run("1.1-b", &machine()).await.unwrap_err();
    assert_snapshot!(error, @"there is no step 1.1-b; the steps are 1.1-a");
}

#[tokio::test]
async fn independent_steps_overlap() {
    let plan = load(&(step("1.1-a", &[]) + &step("1.2-b", &[])), &[]).unwrap();
    let machine = machine();
    plan.provision(&machine, &Heard::default()).await.unwrap();
    let actions = actions(&machine);
    let at = |action: &str| actions.iter().position(|done| done == action).unwrap();
    assert!(at("done-1.1-a") < at("apply-1.2-b") && at("done-1.2-b") < at("apply-1.1-a"), "{actions:?}");
}

#[tokio::test]
async fn after_a_failure_what_runs_is_let_finish_and_nothing_begins() {
    let steps = step("1.1-a", &[]) + &step("1.2-b", &[]) + &step("1.3-c", &["1.2-b"]);
    let plan = load(&steps, &[]).unwrap();
    let machine = Fake::new("fake")
        .answer("apply-1.1-a", said(1, "broken"))
        .answer("apply-1.2-b", said(0, ""))
        .answering(|command, _| command.starts_with("done-").then(|| said(1, "not yet")));
    let error = plan.provision(&machine, &Heard::default()).await.unwrap_err();
    assert!(matches!(error, ProvisionError::Failed { step, .. } if step == "1.1-a"));
    let actions = actions(&machine);
    assert_eq!(actions.iter().filter(|action| *action == "done-1.2-b").count(), 2, "{actions:?}");
    assert!(!actions.iter().any(|action| action.contains("1.3-c")), "{actions:?}");
}

/// Random needs among up to eight steps: `needs[n]` holds earlier steps only, listed in shuffled order.
fn dag() -> impl Strategy<Value = BTreeMap<usize, Vec<usize>>> {
    let edges = proptest::collection::vec(any::<bool>(), 28);
    let order = Just((0..8usize).collect::<Vec<_>>()).prop_shuffle();
    (edges, order, 1..8usize).prop_map(|(edges, order, count)| {
        let mut edges = edges.into_iter();
        let mut needs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for late in 0..count {
            let wanted = (0..late).filter(|_| edges.next().unwrap_or(false)).map(|early| order[early]);
            needs.insert(order[late], wanted.collect());
        }
        needs
    })
}

fn id_of(n: &usize) -> String {
    format!("1.{n}-step")
}

fn plan(needs: &BTreeMap<usize, Vec<usize>>) -> Plan {
    let steps = needs.iter().map(|(n, needs)| {
        let needs: Vec<String> = needs.iter().map(id_of).collect();
        step(&id_of(n), &needs.iter().map(String::as_str).collect::<Vec<_>>())
    });
    load(&steps.collect::<String>(), &[]).unwrap()
}

proptest! {
    #[test]
    fn every_step_runs_once_and_after_what_it_needs(needs in dag()) {
        let plan = plan(&needs);
        let (machine, heard) = (machine(), Heard::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let changes = runtime.block_on(plan.provision(&machine, &heard)).unwrap();
        prop_assert_eq!(changes.len(), needs.len());
        prop_assert_eq!(heard.all(), changes);
        let actions = actions(&machine);
        let first = |id: &str| actions.iter().position(|action| action.ends_with(id)).unwrap();
        let last = |id: &str| actions.iter().rposition(|action| action.ends_with(id)).unwrap();
        for (late, early) in needs.iter().flat_map(|(late, needs)| needs.iter().map(move |early| (late, early))) {
            prop_assert!(last(&id_of(early)) < first(&id_of(late)), "{actions:?}");
        }
        let waves: Vec<Vec<&str>> =
            plan.waves().into_iter().map(|wave| wave.into_iter().map(|step| step.id.as_str()).collect()).collect();
        let wave = |id: &str| waves.iter().position(|wave| wave.contains(&id)).unwrap();
        for (late, early) in needs.iter().flat_map(|(late, needs)| needs.iter().map(move |early| (late, early))) {
            prop_assert!(wave(&id_of(early)) < wave(&id_of(late)));
        }
    }

    #[test]
    fn a_sequence_has_every_step_once_and_after_what_it_needs(
        (needs, preferred) in dag().prop_flat_map(|needs| {
            let places: Vec<usize> = (0..needs.len()).collect();
            (Just(needs), Just(places).prop_shuffle())
        }),
    ) {
        let plan = plan(&needs);
        let preferred = preferred.iter().map(|at| &plan.steps()[*at]);
        let sequence: Vec<&str> = sequence(preferred).into_iter().map(|step| step.id.as_str()).collect();
        prop_assert_eq!(sequence.len(), needs.len());
        let place = |n: &usize| sequence.iter().position(|id| *id == id_of(n)).unwrap();
        for (late, early) in needs.iter().flat_map(|(late, needs)| needs.iter().map(move |early| (late, early))) {
            prop_assert!(place(early) < place(late), "{sequence:?}");
        }
    }
}

#[test]
fn what_needs_leave_open_a_sequence_decides_as_preferred() {
    let steps = step("1.1-a", &["1.3-c"]) + &step("1.2-b", &[]) + &step("1.3-c", &[]);
    let plan = load(&steps, &[]).unwrap();
    let ids = |preferred: [usize; 3]| {
        let sequence = sequence(preferred.iter().map(|at| &plan.steps()[*at]));
        sequence.into_iter().map(|step| step.id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(ids([0, 1, 2]), ["1.2-b", "1.3-c", "1.1-a"]);
    assert_eq!(ids([2, 0, 1]), ["1.3-c", "1.1-a", "1.2-b"]);
}

#[test]
fn a_flaw_is_in_its_step_alone_or_there_is_none() {
    let plan = load(&(step("1.1-a", &[]) + &step("1.2-b", &["1.1-a"])), &[]).unwrap();
    let forgetful = plan.with("1.2-b", &StepFlaw::Forgets("1.1-a".into())).unwrap();
    assert_eq!(forgetful.waves().len(), 1);
    let longer = plan.with("1.1-a", &StepFlaw::Runs("more".into())).unwrap();
    let commands: Vec<&[String]> = longer.steps().iter().map(|step| &step.apply[..]).collect();
    assert_eq!(commands, [&["apply-1.1-a", "more"][..], &["apply-1.2-b"]]);
    for (id, flaw) in [("1.3-c", StepFlaw::Runs("more".into())), ("1.1-a", StepFlaw::Forgets("1.2-b".into()))]
    {
        assert!(plan.with(id, &flaw).is_none());
    }
}

#[test]
fn the_plan_of_omarchy() {
    let home = Home::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    let steps = Target::find("omarchy", &home).unwrap().stages["desktop"].steps.clone().unwrap();
    let plan = Plan::load(&steps).unwrap();
    let mut shown = String::new();
    for (number, wave) in plan.waves().into_iter().enumerate() {
        for step in wave {
            shown += &format!("{} {} ({})\n", number + 1, step.id, step.source);
            for (path, entry) in step.files.entries() {
                if let crate::tree::Entry::File { mode, .. } = entry {
                    shown += &format!("    {mode:o} /{path}\n");
                }
            }
        }
    }
    assert_snapshot!(shown, @r"
    1 2.2-password-quality (Phase 2, 2.2)
        644 /etc/security/pwquality.conf
    1 3.1-rosetta-binfmt (Phase 3, 3.1)
        644 /etc/binfmt.d/rosetta.conf
        644 /etc/systemd/system/systemd-binfmt.service.d/rosetta.conf
    1 4.1-nix (Phase 4, 4.1)
        644 /etc/nix/nix.conf
    1 5.1-os-release (Phase 5, 5.1)
        644 /usr/lib/os-release
    1 5.3-smart-card (Phase 5, 5.3; Critical Path for pcscd)
        644 /etc/systemd/system/pcscd.service.d/override.conf
        644 /etc/tmpfiles.d/pcscd-symlink.conf
        755 /usr/local/libexec/add-ccid-reader
    1 5.4-device-broker-policy (Phase 5, 5.4)
        755 /usr/local/libexec/reload-bus-policies
        644 /usr/share/dbus-1/system.d/com.microsoft.identity.devicebroker1.conf
    2 3.2-rosetta-watcher (Phase 3, 3.2; race 1)
        644 /etc/systemd/system/mnt-psf-RosettaLinux.mount
        644 /etc/systemd/system/rosetta-binfmt.path
        644 /etc/systemd/system/rosetta-binfmt.service
    2 4.2-nix-permissions (Phase 4, 4.2)
    2 5.5-password-policy (Phase 5, 5.5)
        644 /etc/pam.d/common-password
    3 5.2-x86-64-linker (Phase 5, 5.2)
        644 /usr/local/share/x86_64-glibc/default.nix
    4 6.1-home-manager (Phase 6, 6.1)
        644 /home/user/.config/pkcs11/modules/opensc.module
        644 /home/user/.config/systemd/user/intune-agent.service
        644 /home/user/.config/systemd/user/intune-agent.timer
        644 /opt/library-layer/etc/ssl/certs/ca-bundle.crt
        755 /usr/local/bin/intune-agent-rosetta
        755 /usr/local/bin/intune-portal-rosetta
        755 /usr/local/bin/microsoft-identity-broker-rosetta
        755 /usr/local/bin/microsoft-identity-device-broker-rosetta
        644 /usr/local/lib/library-layer/environment
    5 6.2-device-broker (Phase 6, 6.2)
        644 /etc/systemd/system/microsoft-identity-device-broker.service.d/override.conf
        644 /usr/lib/systemd/system/microsoft-identity-device-broker.service
    6 6.3-user-broker (Phase 6, 6.3; D-Bus Activation Chain)
        644 /home/user/.local/share/dbus-1/services/com.microsoft.identity.broker1.service
    7 6.4-keyring (Phase 6, 6.4; race 2)
        644 /home/user/.local/share/keyrings/default
    8 7.2-agent-timer (Phase 7, 7.2)
    ");
}
