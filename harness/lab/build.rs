//! Packs `fixtures/` and `vm-images/` into a program that is made to be installed. One that is made to be worked on reads
//! them where they are, so that a change of theirs compiles nothing anew.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PACKED: [&str; 2] = ["fixtures", "vm-images"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let repository = variable("CARGO_MANIFEST_DIR").join("../..");
    let archive = File::create(variable("OUT_DIR").join("home.tar"))?;
    if env::var("PROFILE").as_deref() != Ok("release") {
        return Ok(());
    }
    let mut archive = tar::Builder::new(archive);
    archive.mode(tar::HeaderMode::Deterministic);
    archive.follow_symlinks(false);
    for name in PACKED {
        println!("cargo::rerun-if-changed={}", repository.join(name).display());
        pack(&mut archive, &repository, Path::new(name))?;
    }
    archive.finish()
}

/// A directory, without what cargo has built in it.
fn pack(archive: &mut tar::Builder<File>, repository: &Path, directory: &Path) -> io::Result<()> {
    let mut children: Vec<_> = fs::read_dir(repository.join(directory))?.collect::<Result<_, _>>()?;
    children.sort_by_key(fs::DirEntry::file_name);
    archive.append_path_with_name(repository.join(directory), directory)?;
    for child in children {
        let (from, to) = (child.path(), directory.join(child.file_name()));
        match child.file_type()?.is_dir() {
            true if from.join("CACHEDIR.TAG").exists() => {}
            true => pack(archive, repository, &to)?,
            false => archive.append_path_with_name(&from, &to)?,
        }
    }
    Ok(())
}
