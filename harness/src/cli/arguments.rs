//! The command line, as documented in `--help`.

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use record::Shard;
use report::gate::Day;

use super::minutes::Minutes;

/// Boots whole machines, breaks them, and checks that what is documented about them holds.
///
/// Exit status: 0 every check passed, 1 an invariant is violated, a mutant survived or something regressed,
/// 2 wrong usage or a bad file, 3 something could not be decided, 4 nothing ran.
#[derive(Parser)]
#[command(name = "assay", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Check the invariants of a target
    Run(Run),
    /// Show that every check can fail: break the target in each known way
    Prove(Prove),
    /// Begin a target of your own: write one that runs into a new directory
    Init(Init),
    /// Tell which invariants are checked, where they are documented, and what breaks them
    List(List),
    /// Build, list or remove the images that targets boot from
    #[command(subcommand)]
    Image(Image),
    /// Open an interactive shell in a fresh fork of a target
    Shell(Shell),
    /// Tell whether a change may land: compare the reports from before and after it
    ///
    /// What passed in the baseline has to pass in the candidate. What failed, is broken, was skipped or is gone is a
    /// regression, and one of them makes the exit status 1.
    Gate(Gate),
    /// Join the reports of all shards into those of one run
    ///
    /// Exit status 0 when that was possible, whatever the verdicts are. A shard or a check that is missing or there twice
    /// is refused with status 2, and so is what was run differently.
    Merge(Merge),
    /// Print the jobs of a continuous integration service: what `strategy.matrix` of GitHub Actions takes
    ///
    /// One line of JSON with a job for every shard of every target: its `target`, its `shard`, and a `name` of both.
    Matrix(Matrix),
    /// Make one HTML page of what runs and proofs have written as JSON
    Report(Report),
    /// Tell what is missing on this host, and how to install it
    Doctor,
    /// Print what has a shell complete this program's options
    ///
    /// For bash: `assay completions bash >~/.local/share/bash-completion/completions/assay`
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write a page for man(1) of each command
    Man {
        /// The directory, such as ~/.local/share/man/man1
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// Which checks.
#[derive(Args, Clone, Default)]
pub struct Selection {
    /// Only this suite. In this and in the next two `*` stands for any text and `?` for one character, and each may be
    /// given several times
    #[arg(long = "suite", value_name = "NAME")]
    pub suites: Vec<String>,
    /// Only this invariant, `ID@VARIANT` only on that variant of the target, and `@VARIANT` everything there
    #[arg(long = "only", value_name = "ID")]
    pub only: Vec<String>,
    /// All but this invariant
    #[arg(long, value_name = "ID")]
    pub exclude: Vec<String>,
    /// Only what failed, was broken or was not decided in this report, as --json wrote it
    #[arg(long, value_name = "FILE")]
    pub rerun_failed: Option<PathBuf>,
}

/// Which part of them.
#[derive(Args, Clone, Default)]
pub struct Part {
    /// Only part K of N. Each check is in exactly one part, and `assay merge` joins the reports of all
    ///
    /// A part that is empty, because there are fewer checks than parts, ends with status 4: `assay matrix` makes none.
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Begin with what took longest in this earlier report, JSON or JUnit, or in those of a directory, and balance the
    /// shards by it instead of by the number of checks; all shards of a run need the same. May be given several times
    #[arg(long, value_name = "FILE")]
    pub durations: Vec<PathBuf>,
}

/// On what.
#[derive(Args, Clone)]
pub struct Subject {
    /// The name of a target, the path of a target file, or a directory with a `target.toml`
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// Lay this directory's files over the provisioned target; in a target of several stages the directories
    /// in it are named after them. An empty file `.wh.NAME` removes NAME. May be given several times: the last one wins
    #[arg(long = "overlay", value_name = "DIR")]
    pub overlays: Vec<PathBuf>,
    /// Leave out what the reference corrects and adds: the document's own files, word for word, lie beneath the overlays
    #[arg(long)]
    pub without_corrections: bool,
    /// What the machines are: `vm` virtual ones, `container` containers with systemd, for what needs no kernel, power or
    /// time of its own, `ssh:HOST` the one that your `ssh` knows as HOST, and `image:FILE` virtual ones of a disk that boots
    /// by itself. What cannot be had of it is skipped
    /// [default: what the target file says, else vm]
    #[arg(long, value_name = "vm|container|ssh:HOST|image:FILE")]
    pub machine: Option<Machine>,
    /// What may be done to a machine over SSH, beyond looking at it
    #[arg(long, value_enum)]
    pub allow: Option<Allow>,
    /// What executes the guest's instructions, in a virtual machine
    #[arg(long, value_enum, default_value = "auto")]
    pub accel: Accel,
    /// Wait so many times as long as usual for whatever a machine does, on a host that is slow or very busy. What is
    /// promised within some time is measured by the machine's own clock all the same
    #[arg(long, value_name = "TIMES", env = "ASSAY_PATIENCE", default_value = "1")]
    pub patience: NonZero<u32>,
}

/// What `--machine` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Machine {
    Vm,
    Container,
    /// The host, as `ssh` takes it.
    Ssh(String),
    /// The disk's file.
    Image(PathBuf),
}

impl FromStr for Machine {
    type Err = String;

    fn from_str(text: &str) -> Result<Machine, String> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("vm", "") => Ok(Machine::Vm),
            ("container", "") => Ok(Machine::Container),
            // What begins so would be an option to it.
            ("ssh", host) if !host.is_empty() && !host.starts_with('-') => Ok(Machine::Ssh(host.to_owned())),
            ("image", file) if !file.is_empty() => Ok(Machine::Image(file.into())),
            _ => {
                Err("it is one of vm, container, ssh:HOST, with HOST as ssh takes it, and image:FILE"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Machine::Vm => f.write_str("vm"),
            Machine::Container => f.write_str("container"),
            Machine::Ssh(host) => write!(f, "ssh:{host}"),
            Machine::Image(file) => write!(f, "image:{}", file.display()),
        }
    }
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allow {
    /// Checks that need more are skipped
    Nothing,
    /// Changing files and units
    State,
    /// Reboots, too
    Power,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum Accel {
    /// KVM where guests really run under it, else emulation
    Auto,
    Kvm,
    Tcg,
}

/// How much at a time.
#[derive(Args, Clone)]
pub struct Effort {
    /// How many checks run at a time [default: two more than there are processors, because some wait; in containers three
    /// times as many as processors, because most do; over SSH 4]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,
    /// Tell only what did not go as it should, and how all ended
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    pub subject: Subject,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub part: Part,
    #[command(flatten)]
    pub effort: Effort,
    /// Begin no other check once one has failed or is broken: the rest is skipped
    #[arg(long)]
    pub fail_fast: bool,
    /// Decide every check this many times
    #[arg(long, value_name = "N", default_value = "1")]
    pub repeat: NonZero<u32>,
    /// Try again what a check with random choices has kept in this file, instead of choosing
    #[arg(long, value_name = "FILE", requires = "only")]
    pub replay: Option<PathBuf>,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a page to look at, in one file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write everything that was seen
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Args)]
pub struct Prove {
    #[command(flatten)]
    pub subject: Subject,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub part: Part,
    #[command(flatten)]
    pub effort: Effort,
    /// Write a page to look at, in one file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write everything that was seen
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Args)]
pub struct Init {
    /// The directory, which is empty or not there yet
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

#[derive(Args)]
pub struct List {
    /// Only what is decided about this target: its name, its file, or a directory that has one
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// By the sections of the documents, with what they say that no check decides
    #[arg(long)]
    pub document: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum Image {
    /// Build a target's image, if it is not there yet
    Build { target: String },
    /// Tell which images are there
    List,
    /// Remove a target's images, or all of them
    Remove { target: Option<String> },
}

#[derive(Args)]
pub struct Gate {
    /// The JUnit report from before the change, of any producer
    #[arg(long, value_name = "FILE")]
    pub baseline: PathBuf,
    /// The JUnit report of the change
    #[arg(long, value_name = "FILE")]
    pub candidate: PathBuf,
    /// What must pass, and what need not: required invariants, known failures, tolerated flakiness, budgets
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Also tell which inputs of a Nix flake changed
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], action = ArgAction::Set)]
    pub flake_lock: Option<Vec<PathBuf>>,
    /// Write everything that was found
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Decide what has expired as on this day, instead of today in UTC
    #[arg(long, value_name = "DATE", env = "ASSAY_TODAY", hide = true)]
    pub today: Option<Day>,
}

#[derive(Args)]
pub struct Matrix {
    /// Only these targets
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// How many shards each target has; fewer where it has fewer checks
    #[arg(long, value_name = "N", default_value = "1")]
    pub shards: NonZero<u32>,
    /// As few shards as take at most these minutes each, one check after the other, without what is prepared before.
    /// A target of which no duration is known has one
    #[arg(long, value_name = "N", conflicts_with = "shards")]
    pub minutes: Option<Minutes>,
    /// How long checks took: an earlier report, JSON or JUnit, or a directory of such. `--shard` needs the same. May be
    /// given several times
    #[arg(long, value_name = "FILE")]
    pub durations: Vec<PathBuf>,
}

#[derive(Args)]
pub struct Merge {
    /// What --json of `assay run --shard` or `assay prove --shard` wrote, of all shards, in any order
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where to write everything that was seen, as --json of one run does
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Also write a page to look at, in one file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Args)]
pub struct Report {
    /// What --json of `assay run` or `assay prove` wrote
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The page to write: one file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
    /// Show durations and flakiness over the earlier runs in this directory's .json files
    #[arg(long, value_name = "DIR")]
    pub history: Option<PathBuf>,
}

#[derive(Args)]
pub struct Shell {
    #[command(flatten)]
    pub subject: Subject,
    /// The stage that the shell is on, in a target of several
    #[arg(long, value_name = "NAME")]
    pub stage: Option<String>,
}
