//! Units, and what systemd calls them where.

/// The file of one that somebody has made for this machine.
pub fn file(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}")
}

/// The mount unit of a path, as systemd-escape(1) gives it.
pub fn of_mount(path: &str) -> String {
    let escaped = path.trim_matches('/').bytes().enumerate().map(|(at, byte)| match byte {
        b'/' => "-".to_owned(),
        b'.' if at == 0 => r"\x2e".to_owned(),
        b':' | b'_' | b'.' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!(r"\x{byte:02x}"),
    });
    let name: String = escaped.collect();
    format!("{}.mount", if name.is_empty() { "-" } else { &name })
}

/// Where one is on the bus of its service manager.
pub fn object(unit: &str) -> String {
    let escaped = unit.bytes().enumerate().map(|(at, byte)| match byte {
        b'0'..=b'9' if at > 0 => char::from(byte).to_string(),
        b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("_{byte:02x}"),
    });
    format!("/org/freedesktop/systemd1/unit/{}", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/mnt/psf/RosettaLinux", "mnt-psf-RosettaLinux.mount")]
    #[case("/media/rosetta-share/a_b", r"media-rosetta\x2dshare-a_b.mount")]
    #[case("/.hidden/.too", r"\x2ehidden-.too.mount")]
    #[case("/", "-.mount")]
    fn a_mount_is_called_after_its_path(#[case] path: &str, #[case] unit: &str) {
        assert_eq!(of_mount(path), unit);
    }

    #[rstest]
    #[case("intune-agent.timer", "/org/freedesktop/systemd1/unit/intune_2dagent_2etimer")]
    #[case("3com.timer", "/org/freedesktop/systemd1/unit/_33com_2etimer")]
    fn an_object_is_called_after_its_unit(#[case] unit: &str, #[case] path: &str) {
        assert_eq!(object(unit), path);
    }
}
