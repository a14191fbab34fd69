//! The services' own schemas have nothing against the files. Those of GitHub are from schemastore.org (Apache 2.0), that
//! of GitLab is from its editor (MIT), all three as check-jsonschema 0.39.0 brings them.

use std::process::Command;

use serde_json::Value;

use crate::file::{GITLAB, actions, read, repository, workflows, yaml};

const WORKFLOW: &str = "github-workflows.json";
const ACTION: &str = "github-actions.json";
const PIPELINE: &str = "gitlab-ci.json";

/// The distribution's own: version managers put a stand-in into PATH also when there is none behind it.
const VALIDATOR: &str = "/usr/bin/jsonschema";

/// What a schema has against a document.
fn objections(schema: &str, document: &Value) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("document.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let schema = repository().join("suites/tests/ci/schemas").join(schema);
    let validated = Command::new(VALIDATOR).arg("-i").args([&path, &schema]).output();
    let output = validated.unwrap_or_else(|error| panic!("{VALIDATOR}: {error}; `ci/bootstrap` installs it"));
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => None,
        Some(1) if !said.contains("Traceback") => Some(said.into_owned()),
        _ => panic!("{VALIDATOR} could not decide: {said}"),
    }
}

#[test]
fn the_schemas_have_no_objections() {
    let workflows = workflows().into_iter().map(|path| (path, WORKFLOW));
    let actions = actions().into_iter().map(|path| (path, ACTION));
    for (path, schema) in workflows.chain(actions).chain([(GITLAB.to_owned(), PIPELINE)]) {
        assert_eq!(objections(schema, &yaml(&read(&path))), None, "{path}");
    }
}

/// They are trusted because they object where they must.
#[test]
fn the_schemas_object_to_anything_else() {
    let workflow = read(".github/workflows/nightly.yml");
    let action = read(".github/actions/prepare/action.yml");
    for (schema, good, from, to) in [
        (WORKFLOW, &workflow, "runs-on:", "run-on:"),
        (WORKFLOW, &workflow, "contents: read", "contents: reed"),
        (WORKFLOW, &workflow, "timeout-minutes: 30", "timeout-minutes: soon"),
        (ACTION, &action, "using: composite", "using: composed"),
        (PIPELINE, &read(GITLAB), "script:", "scripts:"),
        (PIPELINE, &read(GITLAB), "when: always", "when: sometimes"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(objections(schema, &yaml(&good.replace(from, to))).is_some(), "{to}");
    }
}
