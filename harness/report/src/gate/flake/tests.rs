use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use super::{Flaw, InputChange, Lock, changes};

fn lock(nodes: Value) -> Result<Lock, Flaw> {
    Lock::parse(json!({ "nodes": nodes, "root": "root", "version": 7 }).to_string().as_bytes())
}

fn github(repo: &str, rev: char, modified: i64) -> Value {
    let rev = rev.to_string().repeat(40);
    let locked = json!({
        "lastModified": modified, "narHash": "sha256-AAAA", "owner": "NixOS", "repo": repo, "rev": rev,
        "type": "github",
    });
    json!({ "locked": locked, "original": { "owner": "NixOS", "ref": "main", "repo": repo, "type": "github" } })
}

/// A node with inputs of its own.
fn with(mut node: Value, inputs: Value) -> Value {
    node["inputs"] = inputs;
    node
}

fn told(old: Value, new: Value) -> Vec<String> {
    let changes = changes(&lock(old).unwrap(), &lock(new).unwrap());
    changes
        .iter()
        .map(|change: &InputChange| format!("{} {}: {change}", change.word(), change.name))
        .collect()
}

const JANUARY: i64 = 1_767_225_600;
const FEBRUARY: i64 = JANUARY + 31 * 86_400;

#[test]
fn an_updated_input_says_from_where_to_where() {
    let flake = |rev, modified| {
        json!({
            "root": { "inputs": { "nixpkgs": "nixpkgs_2", "utils": "utils" } },
            "nixpkgs_2": github("nixpkgs", rev, modified),
            "utils": github("utils", 'c', JANUARY),
        })
    };
    let said = ["updated nixpkgs: github:NixOS/nixpkgs aaaaaaa (2026-01-01) → bbbbbbb (2026-02-01)"];
    assert_eq!(told(flake('a', JANUARY), flake('b', FEBRUARY)), said);
    assert_eq!(told(flake('a', JANUARY), flake('a', JANUARY)), [""; 0]);
}

#[test]
fn inputs_come_and_go() {
    let flake = |name: &str| json!({ "root": { "inputs": { name: "node" } }, "node": github("nixpkgs", 'a', JANUARY) });
    let said = [
        "added new: github:NixOS/nixpkgs aaaaaaa (2026-01-01)",
        "removed old: github:NixOS/nixpkgs aaaaaaa (2026-01-01)",
    ];
    assert_eq!(told(flake("old"), flake("new")), said);
}

#[test]
fn what_is_followed_is_told_where_it_is_an_input() {
    let flake = |rev| {
        json!({
            "root": { "inputs": { "home": "home", "nixpkgs": ["home", "nixpkgs"] } },
            "home": with(github("home", 'c', JANUARY), json!({ "nixpkgs": "nixpkgs", "lib": ["nixpkgs"] })),
            "nixpkgs": github("nixpkgs", rev, JANUARY),
        })
    };
    let change = "github:NixOS/nixpkgs aaaaaaa (2026-01-01) → bbbbbbb (2026-01-01)";
    let said = [format!("updated home/nixpkgs: {change}"), format!("updated nixpkgs: {change}")];
    assert_eq!(told(flake('a'), flake('b')), said);
}

#[test]
fn an_input_that_follows_another_now_is_told() {
    let flake = |nixpkgs: Value| {
        json!({
            "root": { "inputs": { "home": "home", "nixpkgs": "nixpkgs" } },
            "home": with(github("home", 'c', JANUARY), json!({ "nixpkgs": nixpkgs })),
            "nixpkgs": github("nixpkgs", 'a', JANUARY),
            "nixpkgs_2": github("nixpkgs", 'b', JANUARY),
        })
    };
    let said = ["updated home/nixpkgs: github:NixOS/nixpkgs bbbbbbb (2026-01-01) → aaaaaaa (2026-01-01)"];
    assert_eq!(told(flake(json!("nixpkgs_2")), flake(json!(["nixpkgs"]))), said);
}

#[rstest]
#[case::same_rev_other_hash(
    "15-same-rev-other-hash",
    "github:NixOS/nixpkgs aaaaaaa (2026-01-01), the same revision with other contents: \
     locked.narHash sha256-aaaaaaaa → sha256-zzzzzzzz"
)]
#[case::flake_false(
    "13-flake-false",
    "github:NixOS/nixpkgs aaaaaaa (2026-01-01), the same revision: flake unset → false"
)]
fn what_changed_besides_the_revision_is_told(#[case] name: &str, #[case] said: &str) {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/locks");
    let [old, new] = ["old", "new"].map(|age| Lock::load(&place.join(format!("{name}.{age}.lock"))).unwrap());
    let changes: Vec<_> =
        changes(&old, &new).iter().map(|change| format!("{} {change}", change.name)).collect();
    assert_eq!(changes, [format!("nixpkgs {said}")]);
}

#[rstest]
#[case::branch("/original/ref", json!("next"), ", the same revision: original.ref main → next")]
#[case::submodules("/locked/submodules", json!(true), ", the same revision: locked.submodules unset → true")]
#[case::shallow("/locked/shallow", json!(false), ", the same revision: locked.shallow unset → false")]
#[case::flake("/flake", json!(false), ", the same revision: flake unset → false")]
#[case::no_flake("/flake", json!(true), ", the same revision: flake unset → true")]
#[case::parent("/parent", json!(["a"]), r#", the same revision: parent unset → ["a"]"#)]
#[case::unknown("/locked/colour", json!({ "red": 1 }), r#", the same revision: locked.colour unset → {"red":1}"#)]
#[case::unknown_in_the_node("/colour", json!(""), r#", the same revision: colour unset → """#)]
#[case::time(
    "/locked/lastModified", json!(JANUARY + 1),
    ", the same revision: locked.lastModified 1767225600 → 1767225601"
)]
#[case::hash(
    "/locked/narHash", json!("sha256-AAAAAAAAAAAAAAA"),
    ", the same revision with other contents: locked.narHash sha256-AAAA → sha256-AAAAAAAA"
)]
#[case::directory("/locked/dir", json!("sub"), " → github:NixOS/nixpkgs?dir=sub aaaaaaa (2026-01-01)")]
#[case::host("/locked/host", json!("example.com"), " → github:example.com/NixOS/nixpkgs aaaaaaa (2026-01-01)")]
#[case::owner("/locked/owner", json!("Mallory"), " → github:Mallory/nixpkgs aaaaaaa (2026-01-01)")]
#[case::kind("/locked/type", json!("gitlab"), " → gitlab:NixOS/nixpkgs aaaaaaa (2026-01-01)")]
#[case::asked_otherwise("/original/type", json!("indirect"), ", the same revision: original.type github → indirect")]
fn every_field_counts(#[case] field: &str, #[case] value: Value, #[case] said: &str) {
    let flake = |node| json!({ "root": { "inputs": { "nixpkgs": "nixpkgs" } }, "nixpkgs": node });
    let (old, mut new) = (github("nixpkgs", 'a', JANUARY), github("nixpkgs", 'a', JANUARY));
    let (part, name) = field.rsplit_once('/').unwrap();
    new.pointer_mut(part).unwrap()[name] = value;
    assert_eq!(
        told(flake(old), flake(new)),
        [format!("updated nixpkgs: github:NixOS/nixpkgs aaaaaaa (2026-01-01){said}")]
    );
}

#[test]
fn what_a_new_revision_brings_along_goes_without_saying() {
    let flake = |node| json!({ "root": { "inputs": { "nixpkgs": "nixpkgs" } }, "nixpkgs": node });
    let (old, mut new) = (github("nixpkgs", 'a', JANUARY), github("fork", 'b', FEBRUARY));
    new["locked"]["narHash"] = "sha256-BBBB".into();
    let change =
        "updated nixpkgs: github:NixOS/nixpkgs aaaaaaa (2026-01-01) → github:NixOS/fork bbbbbbb (2026-02-01)";
    assert_eq!(told(flake(old.clone()), flake(new.clone())), [change]);
    new["original"]["ref"] = "next".into();
    assert_eq!(told(flake(old), flake(new)), [format!("{change}; original.ref main → next")]);
}

#[test]
fn an_input_that_follows_another_with_the_same_content_is_told() {
    let flake = |nixpkgs: Value| {
        json!({
            "root": { "inputs": { "home": "home", "nixpkgs": "nixpkgs", "lib": "nixpkgs" } },
            "home": with(github("home", 'c', JANUARY), json!({ "nixpkgs": nixpkgs })),
            "nixpkgs": github("nixpkgs", 'a', JANUARY),
            "nixpkgs_2": github("nixpkgs", 'a', JANUARY),
        })
    };
    let said = |change: &str| {
        [format!(
            "updated home/nixpkgs: github:NixOS/nixpkgs aaaaaaa (2026-01-01), the same revision: follows {change}"
        )]
    };
    assert_eq!(told(flake(json!("nixpkgs_2")), flake(json!(["nixpkgs"]))), said("unset → nixpkgs"));
    assert_eq!(told(flake(json!(["nixpkgs"])), flake(json!(["lib"]))), said("nixpkgs → lib"));
    assert_eq!(told(flake(json!("nixpkgs")), flake(json!("nixpkgs_2"))), [""; 0], "a node may have any name");
}

#[test]
fn an_input_may_follow_the_flake_itself() {
    let flake = |input: Value| {
        json!({
            "root": { "inputs": { "home": "home" } },
            "home": with(github("home", 'c', JANUARY), json!({ "me": input })),
            "me": github("me", 'a', JANUARY),
        })
    };
    let said = ["updated home/me: github:NixOS/me aaaaaaa (2026-01-01) → the flake itself"];
    assert_eq!(told(flake(json!("me")), flake(json!([]))), said);
}

#[rstest]
#[case(json!({ "type": "tarball", "url": "https://example.com/a.tar.gz", "narHash": "sha256-j8SR19V1SRysyJ" }),
    "tarball:https://example.com/a.tar.gz sha256-j8SR19V1")]
#[case(json!({ "type": "git", "url": "ssh://git@example.com/a", "rev": "764932025c817d4e", "lastModified": 0 }),
    "git:ssh://git@example.com/a 7649320 (1970-01-01)")]
#[case(json!({ "type": "gitlab", "host": "example.com", "owner": "a", "repo": "b", "dir": "c", "rev": "764932025c" }),
    "gitlab:example.com/a/b?dir=c 7649320")]
#[case(json!({ "type": "path", "path": "./sub" }), "path:./sub no revision")]
#[case(json!({ "type": "indirect", "id": "nixpkgs", "rev": "é" }), "indirect:nixpkgs é")]
fn every_type_says_where_it_is(#[case] locked: Value, #[case] said: &str) {
    let new = json!({ "root": { "inputs": { "a": "a" } }, "a": { "locked": locked } });
    assert_eq!(told(json!({ "root": {} }), new), [format!("added a: {said}")]);
}

#[rstest]
#[case::no_root(json!({}), "there is no node \"root\"")]
#[case::no_node(json!({ "root": { "inputs": { "a": "b" } } }), "there is no node \"b\"")]
#[case::nowhere(json!({ "root": { "inputs": { "a": ["b", "c"] } } }), "the input \"a\" follows \"b/c\", which leads nowhere")]
#[case::round(json!({ "root": { "inputs": { "a": ["b"], "b": ["a"] } } }), "the input \"a\" follows \"b\", which leads nowhere")]
#[case::endless(json!({ "root": { "inputs": { "a": "root" } } }), "its inputs are nested more than 32 deep")]
#[case::long(json!({ "root": { "inputs": { "a".repeat(257): "root" } } }), "the name of an input is longer than 256 bytes")]
fn what_leads_nowhere_is_refused(#[case] nodes: Value, #[case] said: &str) {
    assert_eq!(lock(nodes).unwrap_err().to_string(), said);
}

/// Sixteen levels of two ways each: every node is written once, and reached by very many paths.
#[test]
fn many_ways_to_few_nodes_are_refused() {
    let mut nodes = serde_json::Map::new();
    for level in 0..16 {
        let (name, next) =
            (if level == 0 { "root".into() } else { level.to_string() }, (level + 1).to_string());
        nodes.insert(name, json!({ "inputs": { "a": next, "b": next } }));
    }
    nodes.insert("16".into(), json!({}));
    assert!(matches!(lock(nodes.into()), Err(Flaw::TooMany)));
}

/// Each input follows two that each follow two, and so on.
#[test]
fn following_ends() {
    let mut inputs = serde_json::Map::new();
    for number in 0..30 {
        let next = format!("i{}", number + 1);
        inputs.insert(format!("i{number}"), json!([next, next]));
    }
    inputs.insert("i30".into(), json!("root"));
    assert!(matches!(
        lock(json!({ "root": { "inputs": inputs } })),
        Err(Flaw::NoPath { .. } | Flaw::TooDeep)
    ));
}

#[rstest]
#[case::empty("", "it is no flake.lock: EOF while parsing a value at line 1 column 0")]
#[case::other(
    "[]",
    "it is no flake.lock: invalid length 0, expected struct Versioned with 1 element at line 1 column 2"
)]
#[case::no_version("{}", "it is no flake.lock: missing field `version` at line 1 column 2")]
#[case::old(r#"{"version": 5}"#, "it is of version 5, and only 7 is read: `nix flake lock` writes it")]
#[case::no_nodes(r#"{"version": 7}"#, "it is no flake.lock: missing field `nodes` at line 1 column 14")]
fn what_is_no_lock_file_is_refused(#[case] text: &str, #[case] said: &str) {
    assert_eq!(Lock::parse(text.as_bytes()).unwrap_err().to_string(), said);
}

#[test]
fn deep_json_is_refused() {
    let deep = format!("{{\"version\": 7, \"nodes\": {}", "[".repeat(100_000));
    assert!(matches!(Lock::parse(deep.as_bytes()), Err(Flaw::Malformed(_))));
}
