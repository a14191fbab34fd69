use std::path::Path;
use std::process::{Command, Stdio};

use host::Lack;

use super::mirror::{VARIABLE, mirror};
use super::recipe::Recipe;

/// What this host lacks to build a recipe's image; empty when that is nothing.
#[must_use]
pub fn prerequisites(recipe: &Recipe) -> Vec<Lack> {
    let mut missing = host::lacks_for(host::IMAGES);
    if mirror(recipe).is_none() {
        missing.push(Lack {
            what: "an archive of Debian's packages".to_owned(),
            why: "an image's packages come from where this host's own do, and those are not Debian's"
                .to_owned(),
            fix: format!("export {VARIABLE}=URL"),
        });
    }
    if !rustix::process::geteuid().is_root() {
        missing.extend(host::lacks_for(host::IMAGES_WITHOUT_ROOT));
    }
    missing.extend(host::lacks_to_run(recipe.architecture.machine()));
    if !recipe.made.is_empty() {
        missing.extend(host::lacks_for(host::MADE));
        missing.extend(lacks_of_rust(recipe));
    }
    missing
}

/// Programs are also made in Rust, which no package has new enough.
fn lacks_of_rust(recipe: &Recipe) -> Vec<Lack> {
    let why = "it compiles what no package has".to_owned();
    if host::find("cargo").is_none() {
        let fix = "curl https://sh.rustup.rs -sSf | sh".to_owned();
        return vec![Lack { what: "cargo".to_owned(), why, fix }];
    }
    let mut foreign: Vec<_> = recipe.made.iter().map(|made| made.architecture).collect();
    foreign.retain(|architecture| !architecture.native());
    foreign.dedup();
    let targets =
        foreign.into_iter().map(|architecture| format!("{}-unknown-linux-gnu", architecture.machine()));
    let absent = targets.filter(|target| !compiles_for(target)).map(|target| Lack {
        what: format!("Rust's standard library for {target}"),
        why: "what no package has is compiled for the guest".to_owned(),
        fix: format!("rustup target add {target}"),
    });
    absent.collect()
}

/// Rust has its own libraries for the target, where it looks for them.
fn compiles_for(target: &str) -> bool {
    let place = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .stdin(Stdio::null())
        .output();
    place.is_ok_and(|place| Path::new(String::from_utf8_lossy(&place.stdout).trim()).is_dir())
}
