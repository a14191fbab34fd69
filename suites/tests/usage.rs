//! What the program says to wrong usage and bad files, before any machine is started.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use assert_cmd::Command;
use insta::assert_snapshot;
use rstest::rstest;
use tempfile::TempDir;

/// A directory of its own for a run: the cache and whatever files the user brings.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: &str) -> &Place {
        fs::write(self.path().join(name), content).unwrap();
        self
    }

    /// The program, working here. The terminal and environment of whoever runs the tests stay out of it.
    fn assay(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("assay").unwrap();
        command.current_dir(self.path()).args(arguments).env("ASSAY_CACHE", self.path().join("cache"));
        command
            .env_remove("ASSAY_CACHE_SIZE")
            .env_remove("ASSAY_SEED")
            .env_remove("ASSAY_HOME")
            .env_remove("RUST_BACKTRACE");
        command.timeout(std::time::Duration::from_secs(60));
        command
    }

    /// Runs it, and gives the status and what it complained of, without the line that a run begins with.
    fn complaint(&self, arguments: &[&str]) -> (i32, String) {
        let (status, said) = complaint(&mut self.assay(arguments));
        let complaints = said.split_inclusive('\n').filter(|line| !line.starts_with("target  "));
        (status, complaints.collect())
    }
}

fn complaint(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "complaints go to standard error");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A target file like the built-in one, with one more line.
fn target(line: &str) -> String {
    let lines = ["architecture = \"aarch64\"", "recipe = \"omarchy\"", "memory = 256", "cpus = 1", line];
    format!("name = \"mine\"\n[stage.vm]\n{}\n", lines.join("\n"))
}

/// The same with a suite that decides about it.
fn using(suite: &str, target: &str) -> String {
    format!("uses = [\"{suite}\"]\n{target}")
}

#[rstest]
#[case::no_command(&[], "Usage: assay <COMMAND>")]
#[case::unknown_command(&["test"], "unrecognized subcommand 'test'")]
#[case::no_target(&["run"], "required arguments were not provided")]
#[case::unknown_option(&["run", "omarchy", "--fast"], "unexpected argument '--fast'")]
#[case::no_jobs(&["run", "omarchy", "--jobs", "0"], "invalid value '0' for '--jobs <N>'")]
#[case::no_repeat(&["run", "omarchy", "--repeat", "0"], "invalid value '0' for '--repeat <N>'")]
#[case::negative(&["run", "omarchy", "--repeat", "many"], "invalid value 'many' for '--repeat <N>'")]
#[case::no_such_shard(&["run", "omarchy", "--shard", "3/2"], "write it like 2/3, the second of three")]
#[case::no_such_durations(&["prove", "omarchy", "--durations", "no/such"], "cannot read no/such")]
#[case::replay_of_everything(&["run", "omarchy", "--replay", "x"], "required arguments were not provided")]
#[case::unknown_accelerator(&["run", "omarchy", "--accel", "hvf"], "[possible values: auto, kvm, tcg]")]
#[case::unknown_machine(&["run", "omarchy", "--machine", "ssh"], "it is one of vm, container, ssh:HOST")]
#[case::an_option_for_ssh(&["run", "omarchy", "--machine", "ssh:-oProxyCommand=x"], "it is one of vm, container, ssh:HOST")]
#[case::no_disk(&["run", "omarchy", "--machine", "image:"], "it is one of vm, container, ssh:HOST")]
#[case::a_disk_of_several(&["run", "microvm", "--machine", "image:x"], "microvm has several kinds of machine, and a disk makes only one")]
#[case::no_patience(&["run", "omarchy", "--patience", "0"], "number would be zero for non-zero type")]
#[case::option_of_another_command(&["prove", "omarchy", "--junit", "x"], "unexpected argument '--junit'")]
fn wrong_options_end_with_status_2(#[case] arguments: &[&str], #[case] message: &str) {
    let (status, said) = Place::new().complaint(arguments);
    assert_eq!(status, 2, "{said}");
    assert!(said.contains(message), "{said}");
}

#[test]
fn names_that_are_not_known_are_answered_with_those_that_are() {
    let place = Place::new();
    let said = |arguments: &[&str]| {
        let (status, said) = place.complaint(arguments);
        assert_eq!(status, 2, "{said}");
        said
    };
    assert_snapshot!(said(&["run", "omarchi"]), @r#"
    assay: there is no target "omarchi" (did you mean "omarchy"?): use one of appliance, microvm, omarchy, or the path of a .toml file or of a directory with a target.toml
    "#);
    assert_snapshot!(said(&["run", "omarchy", "--suite", "binfm"]), @r#"
    assay: target omarchy has no suite "binfm" (did you mean "binfmt"?); it has: binfmt, smartcard, identity, openssl, session, provision
    "#);
    let unknown = said(&["run", "omarchy", "--only", "binfmt.registred"]);
    let begin = "assay: target omarchy has no invariant \"binfmt.registred\" (did you mean \"binfmt.registered\"?); it has: ";
    assert!(unknown.starts_with(begin) && unknown.contains("binfmt.registered, "), "{unknown}");
    assert_eq!(said(&["list", "omarchi"]), said(&["run", "omarchi"]));
}

#[test]
fn a_bad_target_file_is_named_with_the_line() {
    let place = Place::new();
    let said = |content: &str| {
        let (status, said) = place.write("mine.toml", content).complaint(&["run", "mine.toml"]);
        assert_eq!(status, 2, "{said}");
        said
    };
    assert_snapshot!(said("name = mine\n"), @"assay: mine.toml, line 1: string values must be quoted, expected literal string");
    assert_snapshot!(said(&target("memori = 1")), @r#"
    assay: mine.toml, line 7: unknown field `memori`, expected one of `architecture`, `firmware`, `recipe`, `memory`, `cpus`, `drives`, `steps`, `container` (did you mean "memory"?)
    "#);
    assert_snapshot!(said("name = \"mine\"\n"), @"
    assay: mine.toml: no stage: a target has at least one machine, such as [stage.vm], [machine.ssh] or [machine.image]
    ");
    assert_snapshot!(said(&target("").replace("256", "\"256\"")), @r#"
    assay: mine.toml, line 5: invalid type: string "256", expected u32
    "#);
    assert_snapshot!(said(&target("").replace("256", "1")), @"
    assay: mine.toml: stage vm: memory = 1: it counts MiB, and no target boots with less than 128
    ");
    assert_snapshot!(said(&target("").replace("\"mine\"", "\"../mine\"")), @r#"
    assay: mine.toml: the name "../mine": use lower-case letters, digits, dashes and underscores
    "#);
    assert_snapshot!(said(&target("").replace("recipe = \"omarchy\"", "recipe = \"omarchi\"")), @r#"
    assay: mine.toml: there is no recipe "omarchi" (did you mean "omarchy"?): use one of appliance, debian-aarch64, debian-x86_64, kvm-host-aarch64, kvm-host-x86_64, microvm-aarch64, microvm-x86_64, omarchy, or the path of a .toml file
    "#);
    assert_snapshot!(said(&using("omarchy/binfmd", &target(""))), @r#"
    assay: mine.toml, line 1: there is no suite "omarchy/binfmd" (did you mean "omarchy/binfmt"?); there is: omarchy/binfmt, omarchy/smartcard, omarchy/identity, omarchy/openssl, omarchy/session, omarchy/provision, microvm/credentials, appliance/rollback
    "#);
    assert_snapshot!(said(&format!("uses = [\n\"omarchy/binfmt\",\n\"omarchy/binfmt\"]\n{}", target(""))), @r#"
    assay: mine.toml, line 3: "omarchy/binfmt" is used twice
    "#);
    assert_snapshot!(said("\0"), @"
    assay: mine.toml, line 1: key with no value, expected `=`
    ");
}

#[test]
fn files_that_a_target_names_must_be_there() {
    let place = Place::new();
    let said = |arguments: &[&str]| {
        let (status, said) = place.complaint(arguments);
        assert_eq!(status, 2, "{said}");
        said.replace(&*place.path().to_string_lossy(), "HERE")
    };
    assert_snapshot!(said(&["run", "missing.toml"]), @"
    assay: cannot read missing.toml: No such file or directory (os error 2)
    ");
    place.write("mine.toml", &using("omarchy/binfmt", &target("steps = \"nowhere.toml\"")));
    assert_snapshot!(said(&["run", "mine.toml"]), @"
    assay: cannot read nowhere.toml: No such file or directory (os error 2)
    ");
    place.write(
        "mine.toml",
        &using("omarchy/binfmt", &target("").replace("\"omarchy\"", "\"./nowhere.toml\"")),
    );
    assert_snapshot!(said(&["run", "mine.toml"]), @"
    assay: cannot read ./nowhere.toml: No such file or directory (os error 2)
    ");
}

/// A target file with these lines on credentials, of the target whose suite reads them.
fn target_with_credentials(lines: &str) -> String {
    format!("{}\n[credentials]\n{lines}\n", using("microvm/credentials", &target("")))
}

#[test]
fn a_credential_that_cannot_be_sent_is_named_before_any_machine_starts() {
    let place = Place::new();
    let said = |lines: &str| {
        place.write("mine.toml", &target_with_credentials(lines));
        let (status, said) = place.complaint(&["run", "mine.toml"]);
        assert_eq!(status, 2, "{said}");
        assert!(!place.path().join("cache/images").exists(), "something was built: {said}");
        said
    };
    fs::write(place.path().join("two-mib"), vec![b'x'; 2 << 20]).unwrap();
    let many: Vec<String> = (1..=300).map(|n| format!("secret.key-{n:03} = {{ random = 32 }}")).collect();
    let all = [
        "secret.'a/b' = { random = 32 }",
        "secret.'' = { random = 32 }",
        "static.'A=B' = 'test'",
        "secret.nothing = { random = 0 }",
        "secret.missing = { file = 'nowhere' }",
        "secret.directory = { file = '.' }",
        "secret.unclear = { form = 'x' }",
        "secret.long = { file = 'two-mib' }",
        &many.join("\n"),
    ];
    assert_snapshot!(all.map(said).join(""));
}

#[test]
fn an_overlay_must_be_a_directory_of_files() {
    let place = Place::new();
    place.write("file", "");
    fs::create_dir(place.path().join("odd")).unwrap();
    let pipe = place.path().join("odd/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::create_dir(place.path().join("big")).unwrap();
    fs::File::create(place.path().join("big/file")).unwrap().set_len(65 << 20).unwrap();
    symlink("odd", place.path().join("link")).unwrap();
    let said = |overlay: &str| {
        let (status, said) = place.complaint(&["run", "omarchy", "--overlay", overlay]);
        assert_eq!(status, 2, "{said}");
        said
    };
    assert_snapshot!(said("missing"), @"
    assay: the overlay cannot be used: missing does not exist
    ");
    assert_snapshot!(said("file"), @"
    assay: the overlay cannot be used: file is not a directory
    ");
    assert_snapshot!(said("odd"), @"
    assay: the overlay cannot be used: odd/pipe is a named pipe, which cannot be laid on a machine: only files, links and directories can
    ");
    assert_snapshot!(said("link"), @"
    assay: the overlay cannot be used: link/pipe is a named pipe, which cannot be laid on a machine: only files, links and directories can
    ");
    assert_snapshot!(said("big"), @"
    assay: the overlay cannot be used: big is too big: a tree may hold at most 64 MiB
    ");
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_run() {
    let place = Place::new();
    fs::create_dir(place.path().join("directory")).unwrap();
    let said = |option: &str, file: &str| {
        let (status, said) = place.complaint(&["run", "omarchy", option, file]);
        assert_eq!(status, 2, "{said}");
        said
    };
    assert_snapshot!(said("--junit", "missing/report.xml"), @"
    assay: cannot write missing/report.xml: the directory missing does not exist
    ");
    assert_snapshot!(said("--json", "directory"), @"
    assay: cannot write directory: it is not a regular file
    ");
    assert_snapshot!(said("--json", "/dev/full"), @"
    assay: cannot write /dev/full: it is not a regular file
    ");
    assert!(!place.path().join("cache").exists(), "nothing was begun");
}

#[test]
fn what_is_to_be_replayed_must_be_there() {
    let run = ["run", "omarchy", "--only", "binfmt.mount-late", "--replay", "missing"];
    let (status, said) = Place::new().complaint(&run);
    assert_eq!(status, 2);
    assert_snapshot!(said, @"
    assay: cannot replay missing: No such file or directory (os error 2)
    ");
}

#[test]
fn a_bad_seed_is_not_taken_for_none() {
    let place = Place::new();
    let (status, said) = complaint(place.assay(&["run", "omarchy"]).env("ASSAY_SEED", "12345678901234567"));
    assert_eq!(status, 2);
    assert_snapshot!(said, @r#"
    assay: ASSAY_SEED is "12345678901234567": it must be up to 16 hexadecimal digits
    "#);
}

#[test]
fn a_home_without_fixtures_is_refused() {
    let place = Place::new();
    let (status, said) = complaint(place.assay(&["run", "omarchy"]).env("ASSAY_HOME", "elsewhere"));
    assert_eq!(status, 2);
    assert_snapshot!(said, @"
    assay: elsewhere has no fixtures/: set ASSAY_HOME to the directory that holds fixtures/ and vm-images/
    ");
}

#[test]
fn a_cache_that_cannot_be_is_told_with_what_to_do() {
    let place = Place::new();
    place.write("cache", "not a directory");
    let (status, said) = place.complaint(&["image", "list"]);
    assert_eq!(status, 3);
    assert_snapshot!(said.replace(&*place.path().to_string_lossy(), "HERE"), @"
    assay: cannot use the cache: HERE/cache/work: Not a directory (os error 20); if the cache is not yours to write, set ASSAY_CACHE to a directory of yours
    ");
}

#[test]
fn a_cache_of_no_size_is_refused() {
    let place = Place::new();
    let (status, said) = complaint(place.assay(&["image", "list"]).env("ASSAY_CACHE_SIZE", "16G"));
    assert_eq!(status, 2);
    assert_snapshot!(said, @r#"assay: ASSAY_CACHE_SIZE="16G" is no size for the cache: say a whole number of GiB"#);
}

/// Machines boot their kernel directly, so no firmware can be missing: QEMU is all there is to miss. It is
/// missed before an image is built for nothing.
#[test]
fn a_missing_qemu_is_told_at_once() {
    let place = Place::new();
    let report = place.path().join("report.xml");
    let run = ["run", "omarchy", "--only", "binfmt.registered", "--junit", "report.xml"];
    let (status, said) = complaint(place.assay(&run).env("PATH", place.path()));
    assert_eq!(status, 3);
    assert_snapshot!(said, @"
    target  omarchy: 1 check
    assay: cannot prepare the target omarchy: qemu-img is not installed: `assay doctor` tells how to install it
    ");
    // Whoever reads only the report must not take an old one for this run.
    let report = fs::read_to_string(report).unwrap();
    assert!(report.contains("errors=\"1\"") && report.contains("qemu-img is not installed"), "{report}");
}

#[rstest]
#[case::of_an_accelerator(&["run", "appliance", "--machine", "container", "--accel", "tcg"], "--accel is about virtual")]
#[case::of_a_shell(&["shell", "appliance", "--machine", "container"], "leave --machine out")]
fn containers_have_none(#[case] arguments: &[&str], #[case] message: &str) {
    let (status, complaint) = Place::new().complaint(arguments);
    assert_eq!(status, 2);
    assert!(complaint.contains(message), "{complaint}");
}

#[rstest]
#[case::of_an_accelerator(&["run", "omarchy", "--machine", "ssh:nowhere", "--accel", "tcg"], "--accel is about virtual")]
#[case::of_an_overlay(&["run", "omarchy", "--machine", "ssh:nowhere", "--overlay", "."], "what is on nowhere stays as it is")]
#[case::of_the_documents_files(
    &["run", "omarchy", "--machine", "ssh:nowhere", "--without-corrections"],
    "what is on nowhere stays as it is"
)]
#[case::of_a_shell(&["shell", "omarchy", "--machine", "ssh:nowhere"], "leave --machine out")]
#[case::of_mutants(&["prove", "omarchy", "--machine", "ssh:nowhere"], "only with --allow state and a `restore` command")]
#[case::of_mutants_that_nothing_undoes(
    &["prove", "omarchy", "--machine", "ssh:nowhere", "--allow", "power"],
    "only with --allow state and a `restore` command"
)]
#[case::of_what_needs_no_leave(&["run", "omarchy", "--allow", "state"], "--allow is about a machine over SSH")]
fn somebodys_own_machine_has_none(#[case] arguments: &[&str], #[case] message: &str) {
    let (status, complaint) = Place::new().complaint(arguments);
    assert_eq!(status, 2, "{complaint}");
    assert!(complaint.contains(message), "{complaint}");
}

#[test]
fn a_target_that_is_there_is_not_made() {
    let place = Place::new();
    place.write("mine.toml", "name = \"mine\"\n[machine.ssh]\nhost = \"nowhere\"\n");
    let (status, complaint) = place.complaint(&["run", "mine.toml", "--machine", "vm"]);
    assert_eq!(status, 2);
    assert_snapshot!(complaint, @"assay: mine has no [stage.NAME] in its target file, which --machine vm is made from: leave --machine out");
}

#[rstest]
#[case::without_an_engine("appliance", "appliance cannot run in containers: no Docker engine answers (")]
#[case::of_several_kinds("microvm", "microvm cannot run in containers: it has several kinds of machines")]
#[case::undeclared("omarchy", "omarchy cannot run in containers: its target file does not say how")]
fn what_cannot_run_in_containers_is_skipped_with_the_reason(#[case] target: &str, #[case] reason: &str) {
    let place = Place::new();
    let mut run = place.assay(&["run", target, "--machine", "container"]);
    let (status, told) = complaint(run.env("DOCKER_HOST", "unix:///nowhere/docker.sock"));
    assert_eq!(status, 4, "{told}");
    let skipped: Vec<&str> = told.lines().filter(|line| line.starts_with("skipped ")).collect();
    assert!(skipped.len() > 10 && skipped.iter().all(|line| line.contains(reason)), "{told}");
}

#[test]
fn nothing_selected_is_not_a_success() {
    let place = Place::new();
    let (status, said) = place.write("mine.toml", &target("")).complaint(&["run", "mine.toml"]);
    assert_eq!(status, 4);
    assert!(said.trim_end().contains("nothing ran"), "{said}");
    let why = "mine uses no suite and has no checks of its own: `uses` can name omarchy/binfmt, ";
    assert!(said.contains(why), "{said}");
    let (status, said) = place.complaint(&["run", "mine.toml", "--suite", "binfmt"]);
    assert_eq!(status, 2);
    assert_snapshot!(said, @r#"
    assay: target mine has no suite "binfmt"; it has: none
    "#);
}

#[test]
fn an_empty_shard_is_not_a_success_and_says_what_it_is() {
    let place = Place::new();
    let only = ["run", "omarchy", "--only", "binfmt.registered", "--json", "run.json", "--shard", "2/2"];
    let (status, said) = place.complaint(&only);
    assert_eq!(status, 4);
    let said: Vec<&str> = said.lines().filter(|line| !line.contains("nothing ran")).collect();
    assert_eq!(said, ["shard   2/2 of 1 checks", ""]);
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path().join("run.json")).unwrap()).unwrap();
    let cut = serde_json::json!({ "shard": "2/2", "from": ["binfmt.registered"] });
    assert_eq!((&report["target"], &report["cut"]), (&"omarchy".into(), &cut));
}

#[test]
fn a_report_with_durations_that_cannot_be_read_is_named() {
    let place = Place::new();
    place.write("last.xml", "<testsuite>");
    let said = |file: &str| {
        let (status, said) = place.complaint(&["run", "omarchy", "--shard", "1/2", "--durations", file]);
        assert_eq!(status, 2, "{said}");
        said
    };
    assert_snapshot!(said("missing.json"), @"assay: cannot read missing.json: No such file or directory (os error 2)");
    assert_snapshot!(said("last.xml"), @"assay: last.xml, line 1: it ends inside <testsuite>: it is cut off");
    assert!(!place.path().join("cache").exists(), "nothing was begun");
}

#[test]
fn a_target_to_begin_with_is_one() {
    let place = Place::new();
    let begun = |name: &str| place.assay(&["init", name]).output().unwrap();
    let output = begun("My laptop");
    assert!(output.status.success());
    assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"
    My laptop is a target: begin with its target.toml and checks.toml
    assay run 'My laptop'    decides its two checks
    assay prove 'My laptop'  shows that they can fail
    ");
    let listed = place.assay(&["list", "My laptop"]).output().unwrap();
    assert_snapshot!(String::from_utf8(listed.stdout).unwrap(), @"
    kernel.swappiness (must, target my-laptop)
      The kernel swaps as little as 50-swappiness.conf asks for.
      documented in overlay/etc/sysctl.d/50-swappiness.conf
      needs boot
      mutants: without the file

    units.none-failed (must, target my-laptop)
      No unit has failed.
      documented in checks.toml
      needs nothing of a machine but to look at it
      mutants: one that fails
    ");

    let again = begun("My laptop");
    assert_eq!(again.status.code(), Some(2));
    assert_snapshot!(String::from_utf8(again.stderr).unwrap(), @"assay: My laptop is not empty: name a directory that is not there yet");
    let output = begun("omarchy");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("assay run ./omarchy "), "a built-in target has this name: {said}");
}

#[test]
fn a_shell_completes_what_there_is() {
    let place = Place::new();
    let script = place.assay(&["completions", "bash"]).output().unwrap().stdout;
    place.write("assay.bash", &String::from_utf8(script).unwrap());
    let completed = "source ./assay.bash && COMP_WORDS=(assay run --rerun) COMP_CWORD=2 && \
                     _assay assay --rerun run && echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash")
        .args(["-c", completed])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--rerun-failed", "{output:?}");
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let place = Place::new();
    place.assay(&["man", "man1"]).assert().success();
    for (page, says) in
        [("assay.1", "assay\\-run(1)"), ("assay-run.1", "\\-\\-overlay"), ("assay-gate.1", "\\-\\-baseline")]
    {
        let text = fs::read_to_string(place.path().join("man1").join(page)).unwrap();
        assert!(text.contains(says), "{page}: {text}");
    }
    let (status, told) = place.write("file", "").complaint(&["man", "file"]);
    assert_eq!(status, 3);
    assert!(told.contains("cannot write manual pages into file"), "{told}");
}
