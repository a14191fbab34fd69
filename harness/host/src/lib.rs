//! What this host has of what assay needs, and what installs the rest.

mod distribution;
mod judge;
mod look;
mod need;
mod text;

use std::fmt;
use std::path::Path;

use distribution::Distribution;

pub use look::find;
pub use need::{IMAGES, IMAGES_WITHOUT_ROOT, MADE, SMART_CARDS, firmware};
pub use text::render;

/// One thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub need: String,
    /// What needs it, and what for.
    pub purpose: String,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As it must be, and what was seen.
    Fine(String),
    /// Something will not work.
    Missing { observed: String, fix: String },
    /// Not there: what needs it is skipped, and the rest works.
    Absent { fix: String },
    /// Good to know.
    Note(String),
}

/// Looks at this host. Changes nothing and needs no right to.
pub fn examine(cache: &Path) -> Vec<Finding> {
    let distribution = Distribution::of_this_host();
    let root = rustix::process::geteuid().is_root();
    let mut findings: Vec<Finding> = need::all()
        .iter()
        .map(|need| judge::need(need, look::locate(need).as_ref(), root, distribution))
        .collect();
    findings.push(judge::emulator(look::foreign(), look::runs_foreign(look::foreign())));
    findings.push(judge::memory(look::available_memory()));
    findings.push(judge::space(cache, look::available_space(cache)));
    findings.push(judge::kvm(Path::new("/dev/kvm").exists()));
    findings
}

/// The exit status of `assay doctor`: 0, or 3 (broken) where something is missing.
pub fn exit_status(findings: &[Finding]) -> u8 {
    let missing = findings.iter().any(|finding| matches!(finding.state, State::Missing { .. }));
    if missing { 3 } else { 0 }
}

/// Something that this host lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    pub what: String,
    pub why: String,
    /// The command that mends it.
    pub fix: String,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.fix)
    }
}

/// What this host lacks of what is needed for a purpose.
pub fn lacks_for(purpose: &str) -> Vec<Lack> {
    let distribution = Distribution::of_this_host();
    let absent = need::all().iter().filter(|need| need.purpose == purpose && look::locate(need).is_none());
    let lack = |need: &need::Need| Lack {
        what: need.name().to_owned(),
        why: format!("it {}", need.does),
        fix: distribution.install(need),
    };
    absent.map(lack).collect()
}

/// What this host lacks to run programs of another architecture in a root that has no emulator itself.
pub fn lacks_to_run(architecture: &str) -> Option<Lack> {
    if architecture == std::env::consts::ARCH || look::runs_foreign(architecture) {
        return None;
    }
    let emulator = need::all().iter().find(|need| need.things.contains(&need::BINFMT))?;
    let fix = match look::locate(emulator) {
        Some(_) => judge::REGISTER.to_owned(),
        None => Distribution::of_this_host().install(emulator),
    };
    let what = format!("an emulator for {architecture} programs, registered with flag F");
    Some(Lack { what, why: format!("it {}", emulator.does), fix })
}

/// What to tell a user whose host turned out to lack this program; nothing for a program that is not known.
pub fn advice(program: &str) -> Option<String> {
    let need = need::all().iter().find(|need| need.things.contains(&program))?;
    let fix = Distribution::of_this_host().install(need);
    Some(format!("{program} is not installed; for {} it {}. To mend this: {fix}", need.purpose, need.does))
}
