//! Reports to look at.

use harness::report::DocumentMap;
use harness::report::html::{History, Page};
use harness::report::json::{Check, Document};
use harness::{MachineKind, Verdict, Violation};

/// A run and a proof as they were recorded.
pub fn recorded() -> [Document; 2] {
    [include_str!("../fixtures/omarchy.json"), include_str!("../fixtures/omarchy-proof.json")]
        .map(|text| serde_json::from_str(text).unwrap())
}

/// The recorded run with one check that fails, one that is broken, and one that fails in two of ten tries.
pub fn troubled() -> Document {
    let [mut run, _] = recorded();
    find(&mut run, "binfmt.flags").verdict = failed("exit status 126");
    find(&mut run, "binfmt.nix-order").verdict = Verdict::Broken { reason: "the machine is gone".into() };
    let steady = find(&mut run, "binfmt.executes").clone();
    run.checks.extend((2..=10).map(|repetition| {
        let verdict = if repetition % 4 == 0 { failed("exit status 1") } else { Verdict::Passed };
        Check { repetition, verdict, ..steady.clone() }
    }));
    run
}

pub fn failed(observed: &str) -> Verdict {
    Verdict::Failed(Violation { expected: "exit status 42".into(), observed: observed.into() })
}

pub fn find<'d>(document: &'d mut Document, id: &str) -> &'d mut Check {
    document.checks.iter_mut().find(|check| check.id == id).unwrap()
}

/// Two targets, one of them in containers, with a proof and a history of the other.
pub fn everything() -> Page {
    let [_, proof] = recorded();
    let here = troubled();
    let mut there = here.clone();
    there.target = "elsewhere".into();
    there.machine = MachineKind::Container;
    let mut history = History::default();
    for day in 0..20 {
        let mut earlier = here.clone();
        earlier.started -= 86_400 * day;
        earlier.checks.iter_mut().for_each(|check| check.took *= 1.0 + 0.01 * day as f64);
        history.add(&earlier);
    }
    let documents = [here, there, proof];
    let promises: Vec<_> = documents.iter().flat_map(Document::promises).collect();
    let maps = [concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/documents")];
    let maps = DocumentMap::all(&promises, &maps).unwrap();
    Page::of(&documents, Some(history.finish())).with_documents(&maps)
}
