//! A recipe as the build script reads it: environment variables that hold
//! lists, one item a line, the fields of an item between bars.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::recipe::{Foreign, Recipe, Source};

/// `made` are the trees of [`Recipe::made`], in that order.
pub(super) fn environment(recipe: &Recipe, made: &[PathBuf]) -> Vec<(&'static str, String)> {
    let lines = |items: &[String]| items.join("\n");
    let trees: Vec<_> = recipe.files.iter().map(|tree| here(recipe, tree)).collect();
    let masked: Vec<_> = recipe.masked.keys().cloned().collect();
    vec![
        ("ARCHITECTURE", recipe.architecture.debian().to_owned()),
        ("HOST_NAME", recipe.hostname.clone()),
        ("USER_NAME", recipe.user.clone()),
        ("USER_GROUPS", recipe.groups.join(",")),
        ("SIZE_MIB", recipe.size_mib.to_string()),
        ("PACKAGES", lines(&recipe.packages)),
        ("UNPACKED", lines(&recipe.unpacked)),
        ("DROPPED", lines(&recipe.dropped)),
        ("EXCLUDE", lines(&recipe.exclude)),
        ("TREES", lines(&trees)),
        ("MASKED", lines(&masked)),
        ("OTHER_SUITES", lines(&other_suites(recipe))),
        ("FOREIGN", lines(&foreign(recipe))),
        ("MADE", lines(&self::made(recipe, made))),
        ("DRIVES", lines(&drives(recipe))),
        ("DRIVE_FILES", lines(&drive_files(recipe))),
    ]
}

/// Everything of the recipe that must not contain a separator.
pub(super) fn items(recipe: &Recipe) -> Vec<String> {
    let lists = [&recipe.groups, &recipe.packages, &recipe.unpacked, &recipe.dropped, &recipe.exclude];
    let mut items: Vec<_> = lists.into_iter().flatten().cloned().collect();
    items.extend(recipe.masked.keys().cloned());
    items.extend(recipe.files.iter().map(|path| path.display().to_string()));
    for foreign in &recipe.foreign {
        items.push(foreign.directory.clone());
        items.extend(foreign.suite.iter().chain(&foreign.packages).cloned());
    }
    items.extend(recipe.made.iter().map(|made| made.directory.clone()));
    for drive in &recipe.drives {
        items.push(drive.name.clone());
        for file in &drive.files {
            items.push(file.to.display().to_string());
            let (Source::From(path) | Source::FromRoot(path)) = &file.source;
            items.push(path.display().to_string());
        }
    }
    items
}

fn foreign(recipe: &Recipe) -> Vec<String> {
    let item = |foreign: &Foreign| {
        let from = format!(":{}/{}", foreign.architecture.debian(), suite(recipe, foreign));
        let packages: Vec<_> = foreign.packages.iter().map(|package| format!("{package}{from}")).collect();
        format!("{}|{}", foreign.directory, packages.join(" "))
    };
    recipe.foreign.iter().map(item).collect()
}

/// The releases, each once, that foreign packages come from besides the recipe's.
fn other_suites(recipe: &Recipe) -> Vec<String> {
    let mut suites = BTreeMap::<_, BTreeSet<_>>::new();
    for foreign in &recipe.foreign {
        suites.entry(suite(recipe, foreign)).or_default().insert(foreign.architecture.debian());
    }
    suites.remove(&*recipe.suite);
    let item = |(suite, architectures): (&str, BTreeSet<_>)| {
        format!("{suite}|{}", architectures.into_iter().collect::<Vec<_>>().join(","))
    };
    suites.into_iter().map(item).collect()
}

fn suite<'r>(recipe: &'r Recipe, foreign: &'r Foreign) -> &'r str {
    foreign.suite.as_deref().unwrap_or(&recipe.suite)
}

fn made(recipe: &Recipe, trees: &[PathBuf]) -> Vec<String> {
    let pairs = recipe.made.iter().zip(trees);
    pairs.map(|(made, tree)| format!("{}|{}", made.directory, tree.display())).collect()
}

fn drives(recipe: &Recipe) -> Vec<String> {
    recipe.drives.iter().map(|drive| format!("{}|{}", drive.name, drive.size_mib)).collect()
}

fn drive_files(recipe: &Recipe) -> Vec<String> {
    let mut items = Vec::new();
    for drive in &recipe.drives {
        for file in &drive.files {
            let source = match &file.source {
                Source::FromRoot(path) => format!("root:{}", path.display()),
                Source::From(path) => format!("host:{}", here(recipe, path)),
            };
            items.push(format!("{}|{}|{source}", drive.name, file.to.display()));
        }
    }
    items
}

fn here(recipe: &Recipe, path: &Path) -> String {
    recipe.directory.join(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::environment;
    use crate::Recipe;

    #[test]
    fn foreign_packages_name_their_release_and_made_trees_where_they_go() {
        let text = "architecture = 'arm64'\nsuite = 'trixie'\nhostname = 'h'\nuser = 'u'\n\
                    size_mib = 1\npackages = []\n\
                    [[foreign]]\narchitecture = 'amd64'\npackages = ['libc6', 'dash']\ndirectory = '/opt/x'\n\
                    [[foreign]]\narchitecture = 'amd64'\nsuite = 'bookworm'\npackages = ['libcurl4']\ndirectory = '/opt/y'\n\
                    [[made]]\npackage = 'layer'\narchitecture = 'amd64'\ndirectory = '/opt/z'\n";
        let recipe: Recipe = toml::from_str(text).unwrap();
        let environment = environment(&recipe, &[PathBuf::from("/cache/tree")]);
        let value =
            |name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(
            value("FOREIGN"),
            Some("/opt/x|libc6:amd64/trixie dash:amd64/trixie\n/opt/y|libcurl4:amd64/bookworm")
        );
        assert_eq!(value("OTHER_SUITES"), Some("bookworm|amd64"));
        assert_eq!(value("MADE"), Some("/opt/z|/cache/tree"));
    }
}
