//! How a machine is spoken to that has nothing of assay's on its disk.
//!
//! What does from the inside what the host asks is on a drive of its own, which is the disk of an image of assay's: an
//! agent and an interpreter with their own libraries, and the units that start them. That the guest mounts it, it is told
//! by an SMBIOS string, a credential with lines for systemd-tmpfiles: they lay two units and a rule of udev's in `/run`,
//! where they vanish with the machine. systemd takes it since version 252. The rule is for a device that appears, so the
//! host plugs in a port until it is answered.

use std::fs::File;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::smbios::{OemStrings, Smbios};

/// What the drive is known by in the guest.
pub const SERIAL: &str = "assay";

/// The credential (systemd-tmpfiles(8), "Credentials"), as systemd(1) takes it from SMBIOS.
const CREDENTIAL: &str = "io.systemd.credential.binary:tmpfiles.extra";

/// What is laid in the guest.
const LAID: [(&str, &str); 3] = [
    ("/run/systemd/system/run-assay.mount", include_str!("run-assay.mount")),
    ("/run/systemd/system/assay.service", include_str!("assay.service")),
    ("/run/udev/rules.d/90-assay.rules", include_str!("90-assay.rules")),
];

/// What such a machine is powered on with.
#[derive(Clone)]
pub struct Contact {
    pub(super) drive: Arc<File>,
}

impl Contact {
    /// By the disk of an image of assay's for its architecture, which is never written to.
    pub fn by(drive: File) -> Contact {
        Contact { drive: Arc::new(drive) }
    }

    /// What the machine finds: what it needs to be spoken to, and then these.
    pub(super) fn with(smbios: &Smbios) -> Smbios {
        smbios.after(OemStrings::one(credential().as_bytes()))
    }
}

/// What is handed over, the same for every machine.
pub fn credential() -> String {
    format!("{CREDENTIAL}={}", BASE64_STANDARD.encode(tmpfiles()))
}

/// The lines, each a file with its content (tmpfiles.d(5)).
fn tmpfiles() -> String {
    let line = |(path, text): (&str, &str)| {
        let text = text.replace('\\', r"\\").replace('%', "%%").replace('\n', r"\n");
        format!("f+ {path} 0644 root root - {text}\n")
    };
    let directory = "d /run/udev/rules.d 0755 root root -\n".to_owned();
    [directory].into_iter().chain(LAID.map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel shows no more of a table in one read, and systemd 252 makes one (seen: it ignored the rest).
    const PAGE: usize = 4096;

    #[test]
    fn what_is_handed_over_is_small_enough_for_the_oldest_systemd() {
        assert!(credential().len() < PAGE / 2, "{}", credential().len());
    }

    #[test]
    fn every_file_that_is_laid_is_one_line() {
        assert_eq!(tmpfiles().lines().count(), 1 + LAID.len(), "{}", tmpfiles());
    }
}
