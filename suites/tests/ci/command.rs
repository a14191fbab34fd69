//! Every `just` and `assay` in what the services run is a command that there is, with options that there are.

use serde_json::Value;

use crate::file::{GITLAB, actions, read, workflows, yaml};

/// What stands for a value that only the service knows.
const VALUES: &[(&str, &str)] = &[
    ("$TARGET", "omarchy"),
    ("$target", "omarchy"),
    ("$SHARD", "1/2"),
    ("$NUMBER", "1"),
    ("{{ assay }}", "assay"),
    ("@{{ just_executable() }}", "just"),
    ("{{ reports }}", "target/assay"),
];

/// Every command line of a shell script, as words. Of a command in another's arguments both are there.
fn lines(script: &str) -> Vec<Vec<String>> {
    let mut script = script.replace("\\\n", " ");
    for (name, value) in VALUES {
        script = script.replace(name, value);
    }
    let commands =
        script.lines().flat_map(|line| line.split([';', '|', '&'])).map(|line| line.trim().to_owned());
    let code = commands.map(|line| line.trim_end_matches(')').replace("$(", " "));
    code.filter(|line| !line.starts_with('#')).filter_map(|line| shlex::split(&line)).collect()
}

/// The words after a command, for every time that it is called.
fn calls(script: &str, command: &str) -> Vec<Vec<String>> {
    let after = |line: Vec<String>| {
        let place = line.iter().position(|word| word == command)?;
        Some(line[place + 1..].to_vec())
    };
    lines(&script.replace("cargo run --package suites --", "assay")).into_iter().filter_map(after).collect()
}

/// Every script that a service runs, with where it stands.
fn scripts() -> Vec<(String, String)> {
    let mut scripts = Vec::new();
    for path in workflows().into_iter().chain(actions()).chain([GITLAB.to_owned()]) {
        let mut found = Vec::new();
        collect(&yaml(&read(&path)), &mut found);
        assert!(!found.is_empty(), "{path} runs nothing");
        scripts.extend(found.into_iter().map(|script| (path.clone(), script)));
    }
    for path in ["ci/judge", "ci/join", "ci/last-night"] {
        scripts.push((path.into(), read(path)));
    }
    scripts
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("run", Value::String(script)) => found.push(script.clone()),
                    ("script", Value::Array(lines)) => {
                        found.extend(lines.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// The header and the lines of a recipe.
fn recipe(name: &str) -> Option<(String, String)> {
    let justfile = read("Justfile");
    let is_header = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([' ', ':']) && rest.contains(':') && !rest.contains(":="))
    };
    let header = justfile.lines().find(is_header)?;
    let body = justfile.lines().skip_while(|line| *line != header).skip(1);
    let body: Vec<&str> = body.take_while(|line| line.starts_with("    ")).collect();
    Some((header.to_owned(), body.join("\n")))
}

/// What `assay` has against these arguments.
pub fn objection(arguments: &[String]) -> Option<String> {
    let words =
        ["assay".to_owned()].into_iter().chain(arguments.iter().filter(|word| *word != "$@").cloned());
    harness::cli::command().try_get_matches_from(words).err().map(|error| error.to_string())
}

fn check_just(words: &[String], place: &str) {
    let (name, rest) = words.split_first().unwrap_or_else(|| panic!("{place}: just without a recipe"));
    let (header, body) = recipe(name).unwrap_or_else(|| panic!("{place}: there is no recipe {name:?}"));
    if !header.contains('*') {
        // The next word is another recipe.
        if !rest.is_empty() {
            check_just(rest, place);
        }
        return;
    }
    let with_rest = |call: Vec<String>| call.iter().chain(rest).cloned().collect::<Vec<_>>();
    for call in calls(&body, "just").into_iter().map(with_rest) {
        check_just(&call, place);
    }
    for call in calls(&body, "assay").into_iter().map(with_rest) {
        assert_eq!(objection(&call), None, "{place}: just {}", words.join(" "));
    }
}

#[test]
fn every_command_of_the_services_exists() {
    let (mut just, mut assay) = (0, 0);
    for (place, script) in scripts() {
        for words in calls(&script, "just") {
            check_just(&words, &place);
            just += 1;
        }
        for words in calls(&script, "assay") {
            // What a script puts together is seen when it runs.
            if !words.iter().any(|word| word == "$@") {
                assert_eq!(objection(&words), None, "{place}: assay {}", words.join(" "));
                assay += 1;
            }
        }
    }
    assert!(just >= 8 && assay >= 8, "only {just} of just and {assay} of assay were found");
}

/// Everything that they run of this project is there and can be run.
#[test]
fn every_program_of_the_services_is_there() {
    use std::os::unix::fs::PermissionsExt;
    for (place, script) in scripts() {
        for program in
            lines(&script).concat().iter().filter(|word| word.starts_with("ci/") && !word.contains('.'))
        {
            let metadata = std::fs::metadata(crate::file::repository().join(program));
            let mode =
                metadata.unwrap_or_else(|error| panic!("{place}: {program}: {error}")).permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{place}: {program}");
        }
    }
}

#[test]
fn wrong_commands_are_noticed() {
    let words = |line: &str| shlex::split(line).unwrap();
    assert!(recipe("test-omarchi").is_none());
    assert!(objection(&words("run omarchy --shards 1/2")).is_some());
    assert_eq!(objection(&words("run omarchy --shard 1/2")), None);
    let found = calls("x=$(cargo run --package suites -- matrix \\\n  --shards 2) || true", "assay");
    assert_eq!(found, [words("matrix --shards 2")]);
    assert_eq!(calls("# just nothing\nci/bootstrap just a b; just c", "just"), [words("a b"), words("c")]);
    let caught = std::panic::catch_unwind(|| check_just(&words("test-omarchy --shard 3/2"), "here"));
    assert!(caught.is_err());
}
