//! What a run writes, searched for the secrets of its target, by which everything in the guest was made to tell.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use harness::secret::HIDDEN;

use crate::needs_machines;
use crate::program::Program;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/microvm");
const NAMES: [&str; 3] = ["api-key", "db-password", "jwt-secret"];

/// Prints whatever it is given in every form, everywhere that a report takes something from.
const TELL: &str = r#"#!/bin/bash
for secret in /run/secrets/vars/test-vm-secrets/*; do
    value=$(cat "$secret")
    for line in "$value" "password='$value'" "$(od -An -tx1 <<<"$value")" \
        "$(base64 -w0 <<<"$value")" "$(base64 -w0 <<<"x$value")" "$(base64 -w0 <<<"xy$value")"; do
        echo "$line"
        echo "$line" >/dev/console
        echo "$line" >&2
    done
    # In two goes, with time for a reader between them.
    printf 'told in two parts: %s' "${value:0:9}" >/dev/console
    sync
    printf '%s\n' "${value:9}" >/dev/console
done
"#;

/// A target like the built-in one, whose secrets the test knows, and an overlay that tells them.
struct Place {
    directory: tempfile::TempDir,
    values: Vec<String>,
}

impl Place {
    fn new() -> Place {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        let mut values = Vec::new();
        for (name, length) in NAMES.into_iter().zip([32, 32, 64]) {
            let mut random = vec![0; length];
            File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
            let value = BASE64_STANDARD.encode(random);
            fs::write(place.join(name), &value).unwrap();
            values.push(value);
        }
        let target = fs::read_to_string(Path::new(FIXTURES).join("target.toml")).unwrap();
        let target = ["steps", "literal"].iter().fold(target, |target, key| {
            target.replace(&format!("{key} = \""), &format!("{key} = \"{FIXTURES}/"))
        });
        let (before, _) = target.split_once("[credentials.secret]").unwrap();
        let files = NAMES.map(|name| format!("{name} = {{ file = \"{name}\" }}\n")).concat();
        fs::write(place.join("microvm.toml"), format!("{before}[credentials.secret]\n{files}")).unwrap();

        let host = place.join("overlay/host");
        let drop_in = host.join("etc/systemd/system/microvm@test-vm.service.d");
        let programs = host.join("usr/local/bin");
        fs::create_dir_all(&drop_in).unwrap();
        fs::create_dir_all(&programs).unwrap();
        // As root, so that the check that looks at its user fails and all evidence is shown.
        fs::write(
            drop_in.join("z-tell.conf"),
            "[Service]\nUser=root\nGroup=root\nExecStartPre=+/usr/local/bin/tell\n",
        )
        .unwrap();
        fs::write(programs.join("tell"), TELL).unwrap();
        fs::set_permissions(programs.join("tell"), fs::Permissions::from_mode(0o755)).unwrap();
        // The test's own mask must not become the guest's.
        for directory in
            drop_in.ancestors().chain(programs.ancestors()).filter(|path| path.starts_with(&host))
        {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Place { directory, values }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// The secrets in every form that something may give them.
    fn search(&self) -> AhoCorasick {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        for value in &self.values {
            let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            let spaced: Vec<String> = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            forms.extend([value.clone(), hex.clone(), hex.to_uppercase(), spaced.join(" ")].map(Vec::from));
            forms.push(value.encode_utf16().flat_map(u16::to_le_bytes).collect());
            forms.push(value.encode_utf16().flat_map(u16::to_be_bytes).collect());
            for before in ["", "x", "xy"] {
                let text = format!("{before}{value}");
                let whole = text.len() / 3 * 4;
                let from = if before.is_empty() { 0 } else { 4 };
                forms.push(BASE64_STANDARD_NO_PAD.encode(&text).as_bytes()[from..whole].into());
                forms.push(BASE64_URL_SAFE_NO_PAD.encode(&text).as_bytes()[from..whole].into());
            }
            // What `strings` would still make a person recognise.
            forms.push(value.as_bytes()[9..].into());
            forms.push(value.as_bytes()[..value.len() - 9].into());
        }
        AhoCorasick::new(forms).unwrap()
    }
}

/// Every file below a directory that was written since then.
fn written(directory: &Path, since: SystemTime) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            found.extend(written(&entry.path(), since));
        } else if metadata.is_file() && metadata.modified().is_ok_and(|modified| modified >= since) {
            found.push(entry.path());
        }
    }
    found
}

fn cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = || std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let ours = std::env::var_os("ASSAY_CACHE").map(PathBuf::from);
    ours.or_else(|| cache().map(|cache| cache.join("assay"))).unwrap()
}

#[test]
fn nothing_that_a_run_writes_holds_a_secret() {
    needs_machines!();
    let (place, since) = (Place::new(), SystemTime::now());
    let search = place.search();
    let (target, overlay) = (place.path("microvm.toml"), place.path("overlay"));
    let only = ["--only", "credentials.host-load", "--only", "credentials.strings-built"];
    let files = ["--junit", "report.xml", "--html", "report.html", "--overlay", &overlay];
    let ended = Program::assay(&[&["run", &target], &only[..], &files[..]].concat()).run();

    assert_eq!(ended.status(), Some(1), "{}", ended.told());
    assert_eq!(ended.verdict("credentials.strings-built"), "passed");
    let evidence = &ended.check("credentials.host-load")["evidence"];
    for part in ["journal", "console"] {
        let text = evidence[part].as_str().unwrap();
        assert!(text.matches(HIDDEN).count() >= 3 * NAMES.len(), "the {part} was told none: {text}");
    }

    let mut searched = vec![("the terminal".to_owned(), ended.told().into_bytes())];
    for file in written(&cache(), since).into_iter().chain(written(&ended.path(""), since)) {
        searched.push((file.display().to_string(), fs::read(&file).unwrap()));
    }
    for report in ["report.json", "report.xml", "report.html"] {
        assert!(searched.iter().any(|(place, _)| place.ends_with(report)), "{report} was not searched");
    }
    for (place, content) in searched {
        let found = search.find(&content);
        assert!(found.is_none(), "{place} has a secret, {} bytes in", found.unwrap().start());
    }
}

#[test]
fn a_shell_shows_no_secret() {
    needs_machines!();
    let place = Place::new();
    let mut shell = Command::new(assert_cmd::cargo::cargo_bin("assay"))
        .args(["shell", &place.path("microvm.toml"), "--stage", "host"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let script = place.values.iter().map(|value| {
        format!("echo '{value}'; echo '{value}' >&2; echo '{value}' | base64; echo '{value}' | od -An -tx1\n")
    });
    shell.stdin.take().unwrap().write_all(script.collect::<String>().as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    for (stream, text) in [("output", &output.stdout), ("errors", &output.stderr)] {
        let text = String::from_utf8_lossy(text);
        assert!(text.matches(HIDDEN).count() >= NAMES.len(), "its {stream} were not what was asked: {text}");
        assert!(place.search().find(text.as_bytes()).is_none(), "its {stream} have a secret: {text}");
    }
}
