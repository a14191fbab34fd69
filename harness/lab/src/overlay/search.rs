//! Where programs look for their files, and what hides what there.

/// Directories that are searched one after the other: a file hides those of the same name in later ones. `~` is a
/// user's home.
const PLACES: [&[&str]; 7] = [
    // systemd.unit(5), Unit File Load Path
    &["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"],
    &[
        "~/.config/systemd/user",
        "etc/systemd/user",
        "run/systemd/user",
        "~/.local/share/systemd/user",
        "usr/local/share/systemd/user",
        "usr/share/systemd/user",
        "usr/local/lib/systemd/user",
        "usr/lib/systemd/user",
    ],
    // environment.d(5)
    &["~/.config/environment.d", "etc/environment.d", "run/environment.d", "usr/lib/environment.d"],
    // dbus-daemon(1), standard_session_servicedirs and standard_system_servicedirs
    &["~/.local/share/dbus-1/services", "usr/local/share/dbus-1/services", "usr/share/dbus-1/services"],
    &["usr/local/share/dbus-1/system-services", "usr/share/dbus-1/system-services"],
    // What systemd and a login put into PATH.
    &["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin"],
    // systemd-system.conf(5) and its like
    &["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"],
];

/// What binfmt.d(5) and its like say: below these four, the first wins.
const CONFIGURATION: [&str; 4] = ["etc", "run", "usr/local/lib", "usr/lib"];
const CONFIGURED: [&str; 8] = [
    "binfmt.d",
    "modprobe.d",
    "modules-load.d",
    "sysctl.d",
    "sysusers.d",
    "tmpfiles.d",
    "udev/hwdb.d",
    "udev/rules.d",
];

/// The directories of a machine whose `/usr` is merged that are links into it.
const MERGED: [&str; 3] = ["bin/", "lib/", "sbin/"];

/// The paths that would hide a file at this one, all below the root: the strongest first.
pub fn hiding(path: &str) -> Vec<String> {
    let merged = MERGED.iter().any(|directory| path.starts_with(directory));
    let path = if merged { format!("usr/{path}") } else { path.to_owned() };
    let home = home(&path);
    let configured =
        CONFIGURED.iter().map(|name| CONFIGURATION.map(|place| format!("{place}/{name}")).to_vec());
    let places = PLACES.iter().map(|places| {
        let place = |place: &&str| match place.strip_prefix('~') {
            Some(below) => home.map(|home| format!("{home}{below}")),
            None => Some((*place).to_owned()),
        };
        places.iter().filter_map(place).collect::<Vec<_>>()
    });
    for places in places.chain(configured) {
        let found = places.iter().enumerate().find_map(|(at, place)| {
            let name = path.strip_prefix(place.as_str())?.strip_prefix('/')?;
            Some((at, name))
        });
        if let Some((at, name)) = found {
            return places[..at].iter().map(|place| format!("{place}/{name}")).collect();
        }
    }
    Vec::new()
}

/// The home that a path is in.
fn home(path: &str) -> Option<&str> {
    if path.starts_with("root/") {
        return Some("root");
    }
    let name = path.strip_prefix("home/")?.split('/').next()?;
    Some(&path[.."home/".len() + name.len()])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::package("usr/lib/binfmt.d/rosetta.conf", &["etc/binfmt.d/rosetta.conf", "run/binfmt.d/rosetta.conf", "usr/local/lib/binfmt.d/rosetta.conf"])]
    #[case::merged("lib/tmpfiles.d/a.conf", &["etc/tmpfiles.d/a.conf", "run/tmpfiles.d/a.conf", "usr/local/lib/tmpfiles.d/a.conf"])]
    #[case::drop_in("run/systemd/system/a.service.d/b.conf", &["etc/systemd/system/a.service.d/b.conf"])]
    #[case::users_bus("usr/share/dbus-1/services/a.service", &["usr/local/share/dbus-1/services/a.service"])]
    #[case::home("home/me/.local/share/systemd/user/a.timer", &["home/me/.config/systemd/user/a.timer", "etc/systemd/user/a.timer", "run/systemd/user/a.timer"])]
    #[case::program("usr/bin/tool", &["usr/local/sbin/tool", "usr/local/bin/tool", "usr/sbin/tool"])]
    #[case::first("etc/binfmt.d/rosetta.conf", &[])]
    #[case::elsewhere("opt/tool/etc/binfmt.d/a.conf", &[])]
    fn what_hides(#[case] path: &str, #[case] by: &[&str]) {
        assert_eq!(hiding(path), by);
    }
}
