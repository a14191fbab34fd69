//! A recipe as the build script reads it: environment variables that hold
//! lists, one item a line, the fields of an item between bars.

use std::path::Path;

use super::recipe::{Recipe, Source};

pub(super) fn environment(recipe: &Recipe) -> Vec<(&'static str, String)> {
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
        ("FOREIGN", lines(&foreign(recipe))),
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
        items.extend(foreign.packages.iter().cloned());
    }
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
    let mut items = Vec::new();
    for foreign in &recipe.foreign {
        let architecture = foreign.architecture.debian();
        for package in &foreign.packages {
            items.push(format!("{}|{package}:{architecture}", foreign.directory));
        }
    }
    items
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
