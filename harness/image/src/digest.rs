use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use blake3::Hasher;

use super::error::ImageError;
use super::recipe::{Recipe, Source};
use super::{build, initramfs};
use crate::cache::Digest;

/// Raised when the builder makes another image of the same recipe by means
/// that the digest does not see.
const BUILDER: &str = "assay image 1";

/// Over the recipe, every file of the repository that goes in, and the scripts
/// that put it together. What the mirror has that day is not part of it.
pub(super) fn digest(recipe: &Recipe) -> Result<Digest, ImageError> {
    let mut hasher = Hasher::new();
    let text = serde_json::to_vec(recipe).map_err(std::io::Error::from);
    field(&mut hasher, BUILDER.as_bytes());
    for script in [build::ROOT, build::DISKS, initramfs::INIT] {
        field(&mut hasher, script.as_bytes());
    }
    field(&mut hasher, &text.map_err(|error| ImageError::source(&recipe.directory, error))?);
    for tree in &recipe.files {
        add(&mut hasher, &recipe.directory.join(tree))?;
    }
    for file in recipe.drives.iter().flat_map(|drive| &drive.files) {
        if let Source::From(path) = &file.source {
            add(&mut hasher, &recipe.directory.join(path))?;
        }
    }
    for made in &recipe.made {
        field(&mut hasher, package(&recipe.directory.join(&made.package))?.as_bytes());
    }
    Ok(hasher.finalize())
}

/// Over every file of a Cargo package, without what was compiled of it.
pub(super) fn package(path: &Path) -> Result<Digest, ImageError> {
    let mut hasher = Hasher::new();
    for name in names(path)?.into_iter().filter(|name| name != "target") {
        field(&mut hasher, name.as_encoded_bytes());
        add(&mut hasher, &path.join(name))?;
    }
    Ok(hasher.finalize())
}

/// Names, contents and, of the modes, what a checkout keeps: the execute bit.
fn add(hasher: &mut Hasher, path: &Path) -> Result<(), ImageError> {
    let unreadable = |error| ImageError::source(path, error);
    let data = fs::symlink_metadata(path).map_err(unreadable)?;
    if data.is_symlink() {
        let target = fs::read_link(path).map_err(unreadable)?;
        field(hasher, b"link");
        field(hasher, target.as_os_str().as_encoded_bytes());
    } else if data.is_dir() {
        let names = names(path)?;
        field(hasher, b"directory");
        field(hasher, &names.len().to_le_bytes());
        for name in names {
            field(hasher, name.as_encoded_bytes());
            add(hasher, &path.join(name))?;
        }
    } else {
        let executable = data.permissions().mode() & 0o100 != 0;
        field(hasher, if executable { b"program" } else { b"file" });
        field(hasher, &fs::read(path).map_err(unreadable)?);
    }
    Ok(())
}

/// What is in a directory, in order.
fn names(directory: &Path) -> Result<Vec<OsString>, ImageError> {
    let unreadable = |error| ImageError::source(directory, error);
    let mut names = Vec::new();
    for found in fs::read_dir(directory).map_err(unreadable)? {
        names.push(found.map_err(unreadable)?.file_name());
    }
    names.sort();
    Ok(names)
}

/// With its length before it: no two lists of fields read the same.
fn field(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use blake3::Hasher;

    #[test]
    fn names_contents_links_and_the_execute_bit_count() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path();
        let digest = || {
            let mut hasher = Hasher::new();
            super::add(&mut hasher, tree).unwrap();
            hasher.finalize()
        };
        let mut seen = vec![digest()];
        let mut changed = || {
            let now = digest();
            assert!(!seen.contains(&now));
            seen.push(now);
        };
        fs::write(tree.join("a"), "1").unwrap();
        changed();
        fs::write(tree.join("a"), "2").unwrap();
        changed();
        fs::set_permissions(tree.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        changed();
        fs::rename(tree.join("a"), tree.join("b")).unwrap();
        changed();
        symlink("b", tree.join("c")).unwrap();
        changed();
    }

    #[test]
    fn of_a_package_all_but_what_was_compiled_counts() {
        let directory = tempfile::tempdir().unwrap();
        let package = directory.path();
        fs::create_dir_all(package.join("src")).unwrap();
        fs::write(package.join("src/main.rs"), "fn main() {}").unwrap();
        let first = super::package(package).unwrap();
        fs::create_dir_all(package.join("target/release")).unwrap();
        assert_eq!(super::package(package).unwrap(), first);
        fs::write(package.join("src/main.rs"), "fn main() { }").unwrap();
        assert_ne!(super::package(package).unwrap(), first);
    }
}
