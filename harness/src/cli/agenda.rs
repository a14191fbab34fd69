//! A target, and all that is to be decided about it.

use std::iter;
use std::path::PathBuf;

use lab::settings::Stranger;
use lab::target::OWN_TABLES;
use lab::{Home, Target};
use manifest::did_you_mean;
use record::Text;

use super::failure::Failure;
use crate::check::{self, Check, Suite};

/// The checks of one suite, with its name.
pub type OfSuite = (Text, Vec<Check>);

/// What `--suite` calls the target's own checks.
const OWN: &str = "checks";

pub struct Agenda {
    pub target: Target,
    /// Those that it uses.
    pub suites: Vec<Suite>,
    /// Theirs in their order, and then the target's own.
    pub checks: Vec<OfSuite>,
    /// Where files about its documents may lie.
    pub maps: Vec<PathBuf>,
}

/// What such a directory is called, of a target or of all.
const MAPS: &str = "documents";

/// Where files about the documents of all targets lie.
pub fn maps() -> Option<PathBuf> {
    Home::find().ok().map(|home| home.fixtures().join(MAPS))
}

impl Agenda {
    /// Finds the target and reads its file with all that belongs to it.
    pub fn find(argument: &str, catalogue: &[Suite]) -> Result<Agenda, Failure> {
        let home = Home::find().map_err(Failure::usage)?;
        let target = Target::find(argument, &home).map_err(Failure::usage)?;
        let suites = used(catalogue, &target)?;
        only_known_tables(&suites, &target)?;
        let checks = checks(&suites, &target)?;
        let own = target.document().directory().join(MAPS);
        let maps = iter::once(own).chain(maps()).collect();
        Ok(Agenda { target, suites, checks, maps })
    }

    /// What to tell of a target that nothing decides about.
    pub fn empty(&self, catalogue: &[Suite]) -> Option<String> {
        self.checks.is_empty().then(|| {
            let (name, known) = (&self.target.name, labels(catalogue).join(", "));
            format!("{name} uses no suite and has no checks of its own: `uses` can name {known}")
        })
    }
}

fn checks(suites: &[Suite], target: &Target) -> Result<Vec<OfSuite>, Failure> {
    let mut all: Vec<OfSuite> = Vec::new();
    for suite in suites {
        all.push((suite.name.into(), suite.checks(&target.settings).map_err(Failure::usage)?));
    }
    let taken = all.iter().flat_map(|(_, checks)| checks).map(|check| &*check.invariant.id).collect();
    let own = check::file::load(target, &taken).map_err(Failure::usage)?;
    if !own.is_empty() {
        all.push((OWN.into(), own));
    }
    Ok(all)
}

fn used(catalogue: &[Suite], target: &Target) -> Result<Vec<Suite>, Failure> {
    let mut suites: Vec<Suite> = Vec::new();
    for wanted in &target.uses {
        let wrong = |reason| Err(Failure::usage(target.document().wrong(wanted.span().start, reason)));
        let name = wanted.get_ref();
        let Some(suite) = catalogue.iter().find(|suite| suite.label() == *name) else {
            let labels = labels(catalogue);
            let (known, meant) = (labels.join(", "), did_you_mean(name, &labels));
            return wrong(format!("there is no suite {name:?}{meant}; there is: {known}"));
        };
        if suites.iter().any(|known| known.label() == suite.label()) {
            return wrong(format!("{name:?} is used twice"));
        }
        suites.push(*suite);
    }
    Ok(suites)
}

fn labels(catalogue: &[Suite]) -> Vec<String> {
    catalogue.iter().map(Suite::label).collect()
}

/// A table that belongs to no suite would have no effect, and nobody would know.
fn only_known_tables(suites: &[Suite], target: &Target) -> Result<(), Failure> {
    let mut known = OWN_TABLES.to_vec();
    // Suites may share one.
    for table in suites.iter().flat_map(|suite| suite.tables) {
        if !known.contains(table) {
            known.push(table);
        }
    }
    let Some(Stranger { at, name }) = target.settings.stranger(&known) else { return Ok(()) };
    let meant = did_you_mean(&name, &known);
    let known = known.join(", ");
    let reason = format!("no suite that this target uses has a table {name:?}{meant}; there is: {known}");
    Err(Failure::usage(target.document().wrong(at, reason)))
}
