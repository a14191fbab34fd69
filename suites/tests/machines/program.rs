//! Runs the program, or the one with checks that go wrong, in a place of its own.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{MARK, eventually, marked};

/// The target of the checks that go wrong.
const HOSTILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hostile/target.toml");

/// One run, with its reports and its temporary files in a directory of its own.
pub struct Program {
    command: Command,
    place: TempDir,
    mark: String,
}

impl Program {
    /// The program itself.
    pub fn assay(arguments: &[&str]) -> Program {
        Program::new(&assert_cmd::cargo::cargo_bin("assay"), arguments)
    }

    /// The one whose checks go wrong, on a target of theirs.
    pub fn hostile(verb: &str, options: &[&str]) -> Program {
        let beside = assert_cmd::cargo::cargo_bin("assay");
        let program = beside.with_file_name("examples").join("hostile");
        assert!(program.exists(), "{} is not there: `cargo build --examples` builds it", program.display());
        Program::new(&program, &[&[verb, HOSTILE], options].concat())
    }

    fn new(program: &Path, arguments: &[&str]) -> Program {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("tmp")).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).args(["--json", "report.json"]).current_dir(place.path());
        command.env("TMPDIR", place.path().join("tmp")).env(MARK, &mark);
        command.env_remove("ASSAY_SEED").env_remove("ASSAY_HOME").env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A signal to its group does not reach the tests.
        command.process_group(0);
        Program { command, place, mark }
    }

    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Program {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Ended {
        self.start().end()
    }

    pub fn start(mut self) -> Running {
        let child = self.command.spawn().unwrap();
        Running { child, program: self }
    }
}

/// In the command line of every machine, and of nothing else that runs.
const MACHINE: &str = "-name\0assay,";

/// A run that goes on.
pub struct Running {
    child: Child,
    program: Program,
}

impl Running {
    /// Waits until this many of its machines run, and gives their process numbers.
    pub fn machines(&self, count: usize) -> Vec<i32> {
        let mark = &self.program.mark;
        eventually("machines", || Some(marked(mark, MACHINE)).filter(|found| found.len() == count))
    }

    pub fn kill_machine(&self, number: i32) {
        kill(Pid::from_raw(number), Signal::SIGKILL).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// As a terminal sends it: to everything in the foreground.
    pub fn signal_group(&self, signal: Signal) {
        kill(Pid::from_raw(-(self.child.id() as i32)), signal).unwrap();
    }

    pub fn end(self) -> Ended {
        let Running { child, program } = self;
        let output = child.wait_with_output().unwrap();
        Ended { output, place: program.place, mark: program.mark }
    }
}

/// A run that is over.
pub struct Ended {
    output: Output,
    place: TempDir,
    mark: String,
}

impl Ended {
    /// None when a signal ended it.
    pub fn status(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// What it told the user.
    pub fn told(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).expect("a terminal gets text")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("report.json")).unwrap()).unwrap()
    }

    /// A check, as the report has it.
    pub fn check(&self, id: &str) -> Value {
        let report = self.report();
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["id"] == id);
        check.unwrap_or_else(|| panic!("no {id} in {report}")).clone()
    }

    pub fn verdict(&self, id: &str) -> String {
        self.check(id)["verdict"].as_str().unwrap().to_owned()
    }

    /// No process of it lives, and no file that it made is left.
    pub fn left_nothing(&self) {
        let gone = || marked(&self.mark, "").is_empty().then_some(());
        eventually("all its processes to be gone", gone);
        for entry in fs::read_dir(self.path("tmp")).unwrap().chain(fs::read_dir("/dev/shm").unwrap()) {
            let path = entry.unwrap().path();
            assert!(path.starts_with("/dev/shm") && !is_ours(&path), "{} is left", path.display());
        }
        let here = fs::read_dir(self.place.path()).unwrap();
        let here: Vec<_> = here.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let known = ["tmp", "report.json", "report.xml"];
        assert!(here.iter().all(|name| known.contains(&name.as_str())), "{here:?}");
    }
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.contains("assay") || name.contains("qemu")
}
