//! The package manager that a host is looked after with.

use std::fs;
use std::path::Path;

use super::look::find;
use super::need::Need;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Debian, Ubuntu and what follows them.
    Debian,
    Arch,
    Unknown,
}

impl Distribution {
    /// By what is there to look after it: what it calls itself may be another's name, for the sake of some program.
    pub fn of_this_host() -> Distribution {
        let has = |tool, packages| find(tool).is_some() && Path::new(packages).exists();
        let tools = (has("apt-get", "/var/lib/dpkg/status"), has("pacman", "/var/lib/pacman/local"));
        Distribution::by(tools, &fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    fn by((apt, pacman): (bool, bool), os_release: &str) -> Distribution {
        match (apt, pacman) {
            (true, false) => Distribution::Debian,
            (false, true) => Distribution::Arch,
            _ => Distribution::parse(os_release),
        }
    }

    /// From the text of os-release: the distribution's own name, else the first known one that it is like.
    fn parse(os_release: &str) -> Distribution {
        let value = |key: &str| {
            let mut lines = os_release.lines().filter_map(|line| line.trim().split_once('='));
            lines.find(|(name, _)| *name == key).map_or("", |(_, value)| value.trim_matches(['"', '\'']))
        };
        let names = [value("ID"), value("ID_LIKE")];
        let mut known =
            names.iter().flat_map(|names| names.split_whitespace()).filter_map(|name| match name {
                "debian" | "ubuntu" => Some(Distribution::Debian),
                "arch" => Some(Distribution::Arch),
                _ => None,
            });
        known.next().unwrap_or(Distribution::Unknown)
    }

    /// What installs it.
    pub fn install(self, need: &Need) -> String {
        match self {
            // Which of them there is depends on the release, and that is looked up there.
            Distribution::Debian if need.debian.len() > 1 => "ci/bootstrap".into(),
            Distribution::Debian => format!("apt-get install {}", need.debian[0]),
            Distribution::Arch => match need.arch[0].strip_prefix("aur:") {
                Some(recipe) => format!("ci/aur {recipe}"),
                None => format!("pacman -S {}", need.arch[0]),
            },
            Distribution::Unknown => format!("install what has {}", need.things.join(" or ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Distribution::{self, Arch, Debian, Unknown};
    use crate::need;

    #[rstest]
    #[case("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n", Debian)]
    #[case("ID=ubuntu\nID_LIKE=debian\n", Debian)]
    #[case("ID=pop\nID_LIKE=\"ubuntu debian\"\n", Debian)]
    #[case("ID='arch'\nBUILD_ID=rolling\n", Arch)]
    #[case("ID=omarchy\nID_LIKE=arch\n", Arch)]
    #[case("ID=fedora\nVARIANT_ID=debian\n", Unknown)]
    #[case("", Unknown)]
    fn is_told_from_os_release(#[case] os_release: &str, #[case] expected: Distribution) {
        assert_eq!(Distribution::parse(os_release), expected);
    }

    #[rstest]
    #[case::arch_that_says_ubuntu((false, true), "ID=ubuntu\n", Arch)]
    #[case::debian_that_says_nothing((true, false), "", Debian)]
    #[case::both((true, true), "ID=debian\n", Debian)]
    #[case::neither((false, false), "ID=fedora\n", Unknown)]
    fn its_tools_say_more_than_its_name(
        #[case] tools: (bool, bool),
        #[case] os_release: &str,
        #[case] expected: Distribution,
    ) {
        assert_eq!(Distribution::by(tools, os_release), expected);
    }

    #[rstest]
    #[case(Debian, "mmdebstrap", "apt-get install mmdebstrap")]
    #[case(Debian, "just", "ci/bootstrap")]
    #[case(Arch, "mmdebstrap", "ci/aur mmdebstrap")]
    #[case(Arch, "just", "pacman -S just")]
    #[case(Unknown, "just", "install what has just")]
    fn names_its_own_command(#[case] distribution: Distribution, #[case] name: &str, #[case] expected: &str) {
        let need = need::all().iter().find(|need| need.name() == name).unwrap();
        assert_eq!(distribution.install(need), expected);
    }
}
