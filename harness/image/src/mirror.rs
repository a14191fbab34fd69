//! Where an image's packages come from.

use std::env;
use std::process::{Command, Stdio};

use super::recipe::Recipe;

/// Names an archive of Debian's packages, for hosts that have none of their own.
pub const VARIABLE: &str = "ASSAY_MIRROR";

/// The recipe's own archive, the one that the user names, or that from which this host has its packages.
pub fn mirror(recipe: &Recipe) -> Option<String> {
    let named = || env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    recipe.mirror.clone().or_else(named).or_else(hosts_own)
}

/// As apt tells it. A host of another distribution has no apt, or another archive.
fn hosts_own() -> Option<String> {
    let format = ["--format", "$(ORIGIN)\t$(LABEL)\t$(SITE)"];
    let asked = Command::new("apt-get")
        .arg("indextargets")
        .args(format)
        .arg("Created-By: Packages")
        .stdin(Stdio::null())
        .output();
    debians(&String::from_utf8_lossy(&asked.ok()?.stdout))
}

/// Of lines with origin, label and address, that of the archive itself: security updates have another label.
fn debians(lists: &str) -> Option<String> {
    lists.lines().find_map(|line| line.strip_prefix("Debian\tDebian\t")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_the_hosts_own_if_it_is_debians() {
        let lists = "Docker\tDocker CE\thttps://docker.example\nDebian\tDebian-Security\thttp://security.example\n\
                     Debian\tDebian\thttp://packages.example/debian\nDebian\tDebian\thttp://other.example\n";
        assert_eq!(debians(lists).as_deref(), Some("http://packages.example/debian"));
        assert_eq!(debians("Ubuntu\tUbuntu\thttp://archive.example\n"), None);
    }
}
