//! The fixtures and recipes that an installed program carries.

use std::path::{Path, PathBuf};
use std::{fs, io};

use image::cache::Cache;

/// Empty in a program that is made to be worked on.
pub static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/home.tar"));

/// Unpacks an archive into the cache, unless it is there already: each version of the program has its own.
pub fn unpacked(archive: &[u8], cache: &Cache) -> io::Result<PathBuf> {
    let digest = blake3::hash(archive).to_hex();
    // Too short to be taken for one of the cache's entries, which go when there is no room.
    let home = cache.root().join("home").join(&digest[..16]);
    if home.is_dir() {
        return Ok(home);
    }
    let scratch = cache.scratch().map_err(io::Error::other)?;
    let place = scratch.path().join("home");
    tar::Archive::new(archive).unpack(&place)?;
    fs::create_dir_all(home.parent().unwrap_or(Path::new(".")))?;
    match fs::rename(&place, &home) {
        // Another process was quicker.
        Err(_) if home.is_dir() => Ok(home),
        renamed => renamed.map(|()| home),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_packed_is_there_once_with_its_modes_and_links() {
        let place = tempfile::tempdir().unwrap();
        let from = place.path().join("fixtures");
        fs::create_dir(&from).unwrap();
        fs::write(from.join("tool"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(from.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("/dev/null", from.join("masked")).unwrap();
        let mut archive = tar::Builder::new(Vec::new());
        archive.mode(tar::HeaderMode::Deterministic);
        archive.follow_symlinks(false);
        archive.append_dir_all("fixtures", &from).unwrap();
        let archive = archive.into_inner().unwrap();

        let cache = Cache::at(place.path().join("cache")).unwrap();
        let home = unpacked(&archive, &cache).unwrap();
        let mode = fs::metadata(home.join("fixtures/tool")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert_eq!(fs::read_link(home.join("fixtures/masked")).unwrap(), Path::new("/dev/null"));
        fs::write(home.join("mark"), "").unwrap();
        assert_eq!(unpacked(&archive, &cache).unwrap(), home);
        assert!(home.join("mark").exists(), "it was not unpacked again");
    }
}
