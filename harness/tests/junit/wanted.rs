//! Reports as producers really wrote them, and what is right for each: `fixtures/wanted/want.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use harness::gate::{Day, Policy, judge};
use harness::junit::{Report, read_file};
use serde_json::{Value, json};

/// The cases of a report, by what the gate calls them, with the class before a name that needs none.
fn told(report: &Report) -> BTreeMap<String, Value> {
    let findings = judge(report, report, &Policy::default(), Day::today()).unwrap().findings;
    let told = findings.iter().zip(&report.cases).map(|(finding, case)| {
        let name = if finding.name == case.name {
            format!("{}/{}", case.class, case.name)
        } else {
            finding.name.clone()
        };
        let flaky = case.flaky.map(|flaky| [flaky.passed, flaky.of]);
        let seconds = case.took.map(|took| took.as_secs_f64());
        (name, json!({ "verdict": case.verdict, "flaky (passed, of)": flaky, "seconds": seconds }))
    });
    told.collect()
}

#[test]
fn every_report_is_read_as_it_has_to_be() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wanted");
    let wanted = fs::read_to_string(place.join("want.json")).unwrap();
    let mut wanted: BTreeMap<String, Value> = serde_json::from_str(&wanted).unwrap();
    for entry in fs::read_dir(&place).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "want" {
            continue;
        }
        let told = told(&read_file(&file).unwrap());
        let mut wanted: BTreeMap<String, Value> =
            serde_json::from_value(wanted.remove(&name).expect(&name)["cases"].take()).unwrap();
        for case in wanted.values_mut() {
            // `1` and `1.0` are the same time.
            case["seconds"] = case["seconds"].as_f64().into();
        }
        assert_eq!(told, wanted, "{name}");
    }
    assert_eq!(wanted.into_keys().collect::<Vec<_>>(), [""; 0], "there is no such report");
}
