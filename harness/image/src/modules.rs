//! The kernel's modules and what each needs, from `modules.dep`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Modules {
    directory: PathBuf,
    /// By name: its file and the files it needs.
    known: HashMap<String, (String, Vec<String>)>,
    built_in: HashSet<String>,
}

impl Modules {
    pub fn read(directory: &Path) -> io::Result<Self> {
        let list = fs::read_to_string(directory.join("modules.dep"))?;
        let built_in = fs::read_to_string(directory.join("modules.builtin"))?;
        Ok(Self::parse(directory, &list, &built_in))
    }

    fn parse(directory: &Path, list: &str, built_in: &str) -> Self {
        let known = list.lines().filter_map(|line| {
            let (file, needs) = line.split_once(':')?;
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            Some((name(file), (file.to_owned(), needs)))
        });
        Self {
            directory: directory.to_owned(),
            known: known.collect(),
            built_in: built_in.lines().map(name).collect(),
        }
    }

    /// The files to load for `wanted`, in the order of loading. What is in
    /// `loaded` is left out, and everything returned is added to it.
    pub fn order(&self, wanted: &[&str], loaded: &mut HashSet<String>) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for &module in wanted {
            let Some((file, needs)) = self.known.get(module) else {
                if self.built_in.contains(module) {
                    continue;
                }
                let message = format!("the guest's kernel has no module {module}");
                return Err(io::Error::new(io::ErrorKind::NotFound, message));
            };
            // What the others need comes last in modules.dep.
            for file in needs.iter().rev().chain([file]) {
                if loaded.insert(file.clone()) {
                    files.push(self.directory.join(file));
                }
            }
        }
        Ok(files)
    }
}

/// A module's name: the kernel writes dashes of file names as underscores.
fn name(file: &str) -> String {
    let file = file.rsplit('/').next().unwrap_or(file);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "k/ext4.ko: k/jbd2.ko k/crc-16.ko\nk/jbd2.ko: k/crc-16.ko\nk/crc-16.ko:\n";

    #[test]
    fn what_is_needed_is_loaded_first_and_once() {
        let modules = Modules::parse(Path::new("/m"), LIST, "k/virtio_pci.ko\n");
        let mut loaded = HashSet::new();
        let files = modules.order(&["virtio_pci", "jbd2", "ext4"], &mut loaded).unwrap();
        let expected = ["/m/k/crc-16.ko", "/m/k/jbd2.ko", "/m/k/ext4.ko"].map(PathBuf::from);
        assert_eq!(files, expected);
        assert!(modules.order(&["crc_16"], &mut loaded).unwrap().is_empty());
    }

    #[test]
    fn a_missing_module_is_named() {
        let modules = Modules::parse(Path::new("/m"), LIST, "");
        let error = modules.order(&["xfs"], &mut HashSet::new()).unwrap_err();
        assert!(error.to_string().contains("xfs"), "{error}");
    }
}
