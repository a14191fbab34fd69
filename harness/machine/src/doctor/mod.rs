//! What this host lacks for assay, and what to do about it.

mod distribution;
mod host;
mod judge;
mod need;
mod text;

use std::path::Path;

use distribution::Distribution;

pub use host::{find, runs_foreign};
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
        .map(|need| judge::need(need, host::locate(need).as_ref(), root, distribution))
        .collect();
    findings.push(judge::emulator(host::foreign(), runs_foreign(host::foreign())));
    findings.push(judge::memory(host::available_memory()));
    findings.push(judge::space(cache, host::available_space(cache)));
    findings.push(judge::kvm(Path::new("/dev/kvm").exists()));
    findings
}

/// The exit status of `assay doctor`: 0, or 3 (broken) where something is missing.
pub fn exit_status(findings: &[Finding]) -> u8 {
    let missing = findings.iter().any(|finding| matches!(finding.state, State::Missing { .. }));
    if missing { 3 } else { 0 }
}

/// What this host lacks of what is needed for a purpose, each with what installs it.
pub fn lacks_for(purpose: &str) -> Vec<String> {
    let distribution = Distribution::of_this_host();
    let absent = need::all().iter().filter(|need| need.purpose == purpose && host::locate(need).is_none());
    absent.map(|need| format!("{} ({})", need.name(), distribution.install(need))).collect()
}

/// What to tell a user whose host turned out to lack this program; nothing for a program that is not known.
pub fn advice(program: &str) -> Option<String> {
    let need = need::all().iter().find(|need| need.things.contains(&program))?;
    let fix = Distribution::of_this_host().install(need);
    Some(format!("{program} is not installed; for {} it {}. To mend this: {fix}", need.purpose, need.does))
}
