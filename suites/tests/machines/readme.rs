//! What the README has in its blocks of `console` is what the program does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::needs_machines;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A command that the page shows, and what of its output.
#[derive(Debug)]
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// What is left out of a line, or lines that are.
const LEFT_OUT: &str = "[…]";

fn shown(page: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for block in blocks(page, "console") {
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => shown.push(Shown { command: command.to_owned(), lines: Vec::new() }),
                None => shown.last_mut().expect("a block begins with a command").lines.push(line.to_owned()),
            }
        }
    }
    shown
}

/// The blocks of this language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("\n```{language}\n");
    page.split(&*fence).skip(1).filter_map(|rest| rest.split_once("\n```")).map(|(block, _)| block).collect()
}

/// The line with how long something took taken out: it is never the same.
fn timeless(line: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in line.split(' ') {
        let counts = words.last().is_some_and(|last| last.parse::<f64>().is_ok());
        if counts && ["ms", "s", "min", "h"].contains(&word) {
            words.pop();
            if words.last() != Some(&"TIME") {
                words.push("TIME");
            }
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

fn is_shown_as(printed: &str, shown: &str) -> bool {
    let (printed, shown) = (timeless(printed), timeless(shown));
    match shown.split_once(LEFT_OUT) {
        Some((begins, ends)) => {
            printed.len() >= begins.len() + ends.len()
                && printed.starts_with(begins)
                && printed.ends_with(ends)
        }
        None => printed == shown,
    }
}

#[test]
fn the_page_shows_what_its_commands_print() {
    needs_machines!();
    let page = fs::read_to_string(repository().join("README.md")).unwrap();
    let place = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin("assay");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    for Shown { command, lines } in shown(&page) {
        let mut shell = Command::new("sh");
        // As in a terminal, where both are seen.
        shell.arg("-c").arg(format!("{command} 2>&1")).current_dir(place.path());
        shell.env("PATH", &path).env_remove("ASSAY_SEED").env_remove("ASSAY_HOME");
        let output = shell.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
        for line in lines.iter().filter(|line| *line != LEFT_OUT) {
            let found = printed.iter().any(|printed| is_shown_as(printed, line));
            assert!(found, "`{command}` does not print {line:?}, but:\n{}", printed.join("\n"));
        }
        if !lines.iter().any(|line| line == LEFT_OUT) {
            for printed in printed {
                let found = lines.iter().any(|line| is_shown_as(printed, line));
                assert!(found, "`{command}` prints {printed:?}, which is not shown");
            }
        }
    }
    let checks = place.path().join("own/checks.toml");
    for block in blocks(&page, "toml") {
        fs::write(&checks, block).unwrap();
        let listed = Command::new(&program).args(["list", "own"]).current_dir(place.path()).output().unwrap();
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    }
}

#[test]
fn the_page_is_short_and_names_recipes_that_there_are() {
    let page = fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(page.lines().count() <= 120, "{} lines", page.lines().count());
    let recipes = fs::read_to_string(repository().join("Justfile")).unwrap();
    for rest in page.split("just ").skip(1) {
        let recipe: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let begins = [format!("\n{recipe}:"), format!("\n{recipe} *")];
        assert!(begins.iter().any(|begins| recipes.contains(begins)), "the Justfile has no recipe {recipe}");
    }
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let docs = repository().join("docs");
    let pages = fs::read_dir(&docs).unwrap().map(|page| page.unwrap().path());
    let others = ["README.md", "fixtures/README.md", "ci/README.md"].map(|page| repository().join(page));
    for page in pages.chain(others) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(to.exists(), "{}: {link}", page.display());
            let headings =
                heading.is_empty() || headings(&fs::read_to_string(&to).unwrap()).contains(heading);
            assert!(headings, "{}: {link}: there is no such heading", page.display());
        }
    }
}

/// The headings of a page, as links name them.
fn headings(page: &str) -> std::collections::BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let plain = heading.trim_start_matches('#').trim().to_lowercase();
        plain
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(anchor).collect()
}
