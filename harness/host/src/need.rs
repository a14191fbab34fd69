//! The table of what a host must have. `ci/bootstrap` installs from the same one.

use std::sync::LazyLock;

const TABLE: &str = include_str!("../../../ci/needs");

/// A line of the table.
#[derive(Debug)]
pub struct Need {
    /// What needs it: some targets, the images, our own tests.
    pub purpose: &'static str,
    /// Programs and files, any one of which will do.
    pub things: Vec<&'static str>,
    /// The packages that have it, the preferred one first.
    pub debian: Vec<&'static str>,
    pub arch: Vec<&'static str>,
    /// What it does, to follow "it".
    pub does: &'static str,
}

/// Purposes that are asked for by themselves.
pub const IMAGES: &str = "images";
pub const IMAGES_WITHOUT_ROOT: &str = "images without root";
/// Of what no package has, and is made on this host.
pub const MADE: &str = "made programs";
pub const SMART_CARDS: &str = "smart cards";

/// In place of a program: the kernel runs programs of the other architecture.
pub const BINFMT: &str = "binfmt";

static NEEDS: LazyLock<Vec<Need>> = LazyLock::new(|| TABLE.lines().filter_map(parse).collect());

pub fn all() -> &'static [Need] {
    &NEEDS
}

/// Where distributions put the UEFI firmware of virtual machines of this architecture.
pub fn firmware(architecture: &str) -> &'static [&'static str] {
    let purpose = format!("{architecture} targets");
    let of_it = |need: &&Need| need.purpose == purpose && need.does.ends_with("UEFI firmware");
    all().iter().find(of_it).map_or(&[], |need| &need.things)
}

fn parse(line: &'static str) -> Option<Need> {
    if line.starts_with('#') {
        return None;
    }
    let mut columns = line.split('|').map(str::trim);
    let mut column = || columns.next().unwrap_or_default();
    let (purpose, things, debian, arch, does) = (column(), column(), column(), column(), column());
    let words = |text: &'static str| text.split_whitespace().collect();
    Some(Need { purpose, things: words(things), debian: words(debian), arch: words(arch), does })
}

impl Need {
    /// The name it is known by.
    pub fn name(&self) -> &'static str {
        self.things[0]
    }

    /// Whether a run on some target fails without it.
    pub fn required(&self, root: bool) -> bool {
        match self.purpose {
            "tests" | "tests of pages" | "tests over SSH" | "tests of disks" | "machines over SSH"
            | "containers" | SMART_CARDS => false,
            IMAGES_WITHOUT_ROOT => !root,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_firmware_of_both_architectures_is_in_the_table() {
        assert!(firmware("aarch64").contains(&"/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"));
        assert!(firmware("x86_64").contains(&"/usr/share/ovmf/OVMF.fd"));
    }

    #[test]
    fn every_line_of_the_table_is_whole() {
        for need in all() {
            let known = [
                "aarch64 targets",
                "x86_64 targets",
                "every target",
                IMAGES,
                IMAGES_WITHOUT_ROOT,
                "foreign images",
                MADE,
                SMART_CARDS,
                "tests",
                "tests of pages",
                "tests over SSH",
                "tests of disks",
                "machines over SSH",
                "containers",
            ];
            assert!(known.contains(&need.purpose), "{need:?}");
            assert!(
                ![need.things.len(), need.debian.len(), need.arch.len(), need.does.len()].contains(&0),
                "{need:?}"
            );
        }
    }

    #[test]
    fn no_thing_is_needed_twice() {
        let mut things: Vec<_> = all().iter().flat_map(|need| &need.things).collect();
        let count = things.len();
        things.sort();
        things.dedup();
        assert_eq!(things.len(), count);
    }
}
