use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use super::cpio::Archive;
use super::modules::Modules;

/// The guest's first process.
pub(super) const INIT: &str = include_str!("init.sh");

/// Loaded before a machine may be frozen: nothing here reads a disk.
const BEFORE_GO: &[&str] = &[
    "virtio_pci",
    "virtio_mmio",
    "virtio_console",
    // ext4 asks for this one by its algorithm, not by its name.
    "crc32c_generic",
    "ext4",
    "sd_mod",
];

/// Loaded once the disks are those of this machine's life.
const AFTER_GO: &[&str] = &["virtio_blk", "virtio_scsi"];

const APPLETS: &[&str] = &["sh", "mount", "insmod", "date", "poweroff", "switch_root"];

/// The archive of a static `busybox`, the modules of the kernel below
/// `modules`, and [`INIT`].
pub(super) fn initramfs(busybox: &Path, modules: &Path) -> io::Result<Vec<u8>> {
    let mut archive = Archive::default();
    for directory in ["bin", "dev", "modules", "proc", "sys", "sysroot"] {
        archive.directory(directory);
    }
    archive.program("bin/busybox", &fs::read(busybox)?);
    for applet in APPLETS {
        archive.link(&format!("bin/{applet}"), "busybox");
    }
    archive.program("init", INIT.as_bytes());

    let modules = Modules::read(modules)?;
    let mut loaded = HashSet::new();
    for (list, wanted) in [("before-go", BEFORE_GO), ("after-go", AFTER_GO)] {
        let mut order = String::new();
        for path in modules.order(wanted, &mut loaded)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            archive.file(&format!("modules/{name}"), &fs::read(&path)?);
            order.push_str(&name);
            order.push('\n');
        }
        archive.file(&format!("modules/{list}"), order.as_bytes());
    }
    Ok(archive.finish())
}
